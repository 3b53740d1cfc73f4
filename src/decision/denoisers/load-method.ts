import type { MethodCheckpoint } from '../../checkpoints/types.js';
import { residualBlockShapes } from '../../networks/unet/unet.js';
import type { WeightLoader, WeightSource } from '../../ops/weight-source.js';
import type { MethodNetworks, MethodType } from '../../spec/method-networks.js';
import { loadBridger } from './bridger.js';
import type { LoadMethod, MethodDenoiser } from './denoiser-network.js';
import { loadLadder } from './ladder.js';
import { loadNoDiffusion } from './no-diffusion.js';
import { loadPlainUnet } from './plain-unet.js';
import { loadStreaming } from './streaming.js';

/** What a method does of its own: how its network is loaded, and of how many U-Nets it is. */
interface MethodKind<T extends MethodType> {
  readonly load: LoadMethod<T>;
  readonly unets: number;
}

/** Networks of all methods, one line each. */
const METHODS: { readonly [T in MethodType]: MethodKind<T> } = {
  consistency_policy: { load: loadPlainUnet, unets: 1 },
  onedp: { load: loadPlainUnet, unets: 1 },
  no_diffusion: { load: loadNoDiffusion, unets: 1 },
  streaming_diffusion: { load: loadStreaming, unets: 1 },
  rnr_policy: { load: loadLadder, unets: 1 },
  bridger: { load: loadBridger, unets: 3 },
};

/** Residual blocks of a method's U-Nets. */
export function methodBlocks({ config }: MethodCheckpoint): number {
  return METHODS[config.type].unets * residualBlockShapes(config.unet).length;
}

/** Brings the networks of methods to the device, by their types. */
export async function loadMethodDenoisers(
  methods: readonly MethodCheckpoint[],
  loaderFor: (source: WeightSource) => WeightLoader,
  onBlock: () => void,
): Promise<ReadonlyMap<string, MethodDenoiser>> {
  const loaded = new Map<string, MethodDenoiser>();
  for (const { config, weights } of methods) loaded.set(config.type, await load(config.type, config, loaderFor(weights), onBlock));
  return loaded;
}

function load<T extends MethodType>(
  type: T,
  config: MethodNetworks[MethodType],
  loader: WeightLoader,
  onBlock: () => void,
): Promise<MethodDenoiser> {
  // A configuration is of its own type: TypeScript does not follow a union through the table.
  return METHODS[type].load(loader, config as MethodNetworks[T], onBlock);
}
