import { expectTypeOf } from 'vitest';
import type { BRIDGER } from '../../src/strategies/bridger.js';
import type { CONSISTENCY } from '../../src/strategies/consistency.js';
import type { OptionsOf } from '../../src/strategies/define.js';
import type { FALCON } from '../../src/strategies/falcon.js';
import type { STRATEGIES } from '../../src/strategies/index.js';
import type { NO_DIFFUSION } from '../../src/strategies/no-diffusion.js';
import type { ONEDP } from '../../src/strategies/onedp.js';
import type { RNR_DP } from '../../src/strategies/rnr-dp.js';
import type { RTI_DP } from '../../src/strategies/rti-dp.js';
import type { SDP } from '../../src/strategies/sdp.js';
import type { DDIM, DDPM, DPM_SOLVER } from '../../src/strategies/solver.js';
import type { STEP } from '../../src/strategies/step.js';
import type * as written from '../../src/strategies/strategy-options.js';

/** Intersections as one object, which `toEqualTypeOf` compares key by key. */
type Flat<T> = { [K in keyof T]: T[K] };
type Defined<D> = Flat<OptionsOf<D>>;

// What programs may give, as it is written out, is what the tables of the definitions take: no key more, none less, of the same types.
expectTypeOf<Flat<written.DdpmStrategyOptions>>().toEqualTypeOf<Defined<typeof DDPM>>();
expectTypeOf<Flat<written.DdimStrategyOptions>>().toEqualTypeOf<Defined<typeof DDIM>>();
expectTypeOf<Flat<written.DpmSolverStrategyOptions>>().toEqualTypeOf<Defined<typeof DPM_SOLVER>>();
expectTypeOf<Flat<written.StepStrategyOptions>>().toEqualTypeOf<Defined<typeof STEP>>();
expectTypeOf<Flat<written.RtiDpStrategyOptions>>().toEqualTypeOf<Defined<typeof RTI_DP>>();
expectTypeOf<Flat<written.FalconStrategyOptions>>().toEqualTypeOf<Defined<typeof FALCON>>();
expectTypeOf<Flat<written.ConsistencyStrategyOptions>>().toEqualTypeOf<Defined<typeof CONSISTENCY>>();
expectTypeOf<Flat<written.OneDpStrategyOptions>>().toEqualTypeOf<Defined<typeof ONEDP>>();
expectTypeOf<Flat<written.NoDiffusionStrategyOptions>>().toEqualTypeOf<Defined<typeof NO_DIFFUSION>>();
expectTypeOf<Flat<written.SdpStrategyOptions>>().toEqualTypeOf<Defined<typeof SDP>>();
expectTypeOf<Flat<written.RnrDpStrategyOptions>>().toEqualTypeOf<Defined<typeof RNR_DP>>();
expectTypeOf<Flat<written.BridgerStrategyOptions>>().toEqualTypeOf<Defined<typeof BRIDGER>>();
expectTypeOf<written.StrategyOptions['name']>().toEqualTypeOf<(typeof STRATEGIES)[number]['name']>();
