import { testHalvedProducts } from '../support/training-halves.js';

testHalvedProducts(undefined);
testHalvedProducts('gpu');
