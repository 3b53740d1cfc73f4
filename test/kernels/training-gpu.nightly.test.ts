import { testTrainingNorm } from '../support/training-norm.js';
import { testTrainingProducts } from '../support/training-products.js';

// Tiles of workgroup memory take a software driver long to compile.
testTrainingProducts('gpu');
testTrainingNorm('gpu');
