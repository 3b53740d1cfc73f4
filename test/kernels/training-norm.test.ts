import { testTrainingNorm } from '../support/training-norm.js';

testTrainingNorm(undefined);
