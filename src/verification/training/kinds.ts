import { openCvaeCase } from './cvae-case.js';
import { hasPictures, openImageCase } from './image-case.js';
import { openPredictorCase } from './predictor-case.js';
import type { OpenTrainingCase } from './training-network.js';
import { openUnetCase } from './unet-case.js';

/** What opens a training case, by the `kind` of its `case.json`: a new kind is a file beside these, and a line here. */
export const TRAINING_KINDS: ReadonlyMap<string, OpenTrainingCase> = new Map([
  ['train-policy', (golden, ...rest) => (hasPictures(golden) ? openImageCase : openUnetCase)(golden, ...rest)],
  ['train-predictor', openPredictorCase],
  ['train-cvae', openCvaeCase],
]);
