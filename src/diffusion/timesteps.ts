import { OptionError } from '../foundation/errors.js';
import { checkList } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { TimestepSpacing } from '../spec/sampling.js';

/** NumPy's rounding: ties go to the even neighbour (62.5 → 62), where `Math.round` would choose another timestep. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Throws OptionError unless `steps` solver steps can be taken through `numTrainTimesteps` noise levels. */
export function checkSteps(steps: number, numTrainTimesteps: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > numTrainTimesteps) {
    throw new OptionError(
      `steps must be an integer from 1 to the ${numTrainTimesteps} training timesteps of the noise schedule, ` +
        `found ${shownValue(steps)}: choose another number of steps`,
    );
  }
}

/** Throws OptionError unless `timesteps` are `steps` strictly descending noise levels of the schedule. */
export function checkTimesteps(timesteps: readonly number[], steps: number, numTrainTimesteps: number): void {
  checkList('timesteps', 'the list', timesteps, () => {}, numTrainTimesteps);
  const descending = Array.from(timesteps).every(
    (t, i) => Number.isInteger(t) && t >= 0 && t < (i === 0 ? numTrainTimesteps : (timesteps[i - 1] ?? 0)),
  );
  if (!descending || timesteps.length !== steps) {
    throw new OptionError(
      `timesteps must be ${steps} strictly descending integers from 0 to ${numTrainTimesteps - 1}, ` +
        `found [${Array.from(timesteps, shownValue).join(', ')}]: correct the list, or steps`,
    );
  }
}

/**
 * The K timesteps that DDPM and DDIM visit, descending (diffusers `set_timesteps`). `offset` is added to those of leading spacing alone.
 * Throws OptionError for K > N, and for an offset that leads beyond the last level.
 */
export function spacedTimesteps(spacing: TimestepSpacing, steps: number, numTrainTimesteps: number, offset = 0): number[] {
  checkSteps(steps, numTrainTimesteps);
  switch (spacing) {
    case 'leading': {
      const stride = Math.floor(numTrainTimesteps / steps);
      return shifted(
        Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride),
        offset,
        numTrainTimesteps,
      );
    }
    case 'trailing':
      return trailing(numTrainTimesteps, numTrainTimesteps / steps, steps);
    case 'linspace':
      return roundedLinspace(numTrainTimesteps - 1, steps).reverse();
    default:
      throw unknownSpacing(spacing);
  }
}

/**
 * The timesteps that DPM-Solver++ visits, descending: K + 1 levels whose last one is the target of the final step and
 * not visited. `levels` ≤ N leaves out the noisiest ones. Repeated timesteps (K close to N) are visited once, so fewer
 * than K may come back: a repeat would cost a network evaluation and move nothing.
 */
export function multistepTimesteps(
  spacing: TimestepSpacing,
  steps: number,
  numTrainTimesteps: number,
  levels: number,
  offset = 0,
): number[] {
  checkSteps(steps, numTrainTimesteps);
  const timesteps = ((): number[] => {
    switch (spacing) {
      case 'linspace':
        return roundedLinspace(levels - 1, steps + 1)
          .reverse()
          .slice(0, -1);
      case 'leading': {
        const stride = Math.floor(levels / (steps + 1));
        return shifted(
          Array.from({ length: steps }, (_, i) => (steps - i) * stride),
          offset,
          numTrainTimesteps,
        );
      }
      case 'trailing':
        // The stride comes from all N levels even when some are left out, as in diffusers.
        return trailing(levels, numTrainTimesteps / steps, steps);
      default:
        throw unknownSpacing(spacing);
    }
  })();
  const visited = [...new Set(timesteps)];
  if (spacing === 'leading' && visited.length < steps) {
    throw new OptionError(
      `leading spacing of DPM-Solver++ needs steps + 1 noise levels, found ${steps} steps and ${levels} levels: ` +
        'choose fewer steps or linspace spacing',
    );
  }
  return visited;
}

/** Timesteps moved towards the noise. A timestep beyond the last level would be an index out of range in diffusers, too. */
function shifted(timesteps: readonly number[], offset: number, numTrainTimesteps: number): number[] {
  const most = numTrainTimesteps - 1 - (timesteps[0] ?? 0);
  if (!Number.isInteger(offset) || offset < 0 || offset > most) {
    throw new OptionError(
      `stepsOffset must be an integer from 0 to ${most}, so that ${timesteps.length} steps with leading spacing stay within ` +
        `${numTrainTimesteps} timesteps, found ${offset}: choose fewer steps, or another spacing`,
    );
  }
  return timesteps.map((timestep) => timestep + offset);
}

/** Level, level − stride, … each rounded and lowered by one; computed as NumPy's `arange` does, so that ties agree. */
function trailing(levels: number, stride: number, steps: number): number[] {
  const delta = levels - stride - levels;
  const timesteps: number[] = [];
  for (let i = 0; i < steps; i++) {
    const timestep = roundHalfEven(levels + i * delta) - 1;
    if (timestep >= 0) timesteps.push(timestep);
  }
  return timesteps;
}

/** `count` rounded points from 0 to the integer `last`, ascending; the point 0 alone when `count` is 1. */
function roundedLinspace(last: number, count: number): number[] {
  const stride = count > 1 ? last / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => roundHalfEven(i * stride));
}

function unknownSpacing(spacing: never): OptionError {
  return new OptionError(`timestepSpacing must be leading, trailing or linspace, found ${shownValue(spacing)}: choose one of these`);
}
