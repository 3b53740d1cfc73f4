import { testTrainingProducts } from '../support/training-products.js';

testTrainingProducts(undefined);
