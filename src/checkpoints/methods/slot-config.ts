import type { StreamingNetwork } from '../../spec/method-networks.js';
import { PREDICTION_TYPES, VARIANCE_TYPES } from '../../spec/sampling.js';
import type { JsonObject } from '../json-object.js';
import { readNoiseSchedule } from './common-config.js';

/** What networks declare whose rows have a noise level each: how a row goes from one level to the next. */
export function readSlotConfig(json: JsonObject): Pick<StreamingNetwork, 'noiseSchedule' | 'predictionType' | 'varianceType' | 'clip'> {
  const range = json.number('clip_sample_range', { fallback: 1, above: 0, below: 1e6 });
  return {
    noiseSchedule: readNoiseSchedule(json),
    predictionType: json.choice('prediction_type', PREDICTION_TYPES, 'epsilon'),
    varianceType: json.choice('variance_type', VARIANCE_TYPES, 'fixed_small'),
    clip: json.boolean('clip_sample', true) ? range : null,
  };
}
