import { at, type KernelBinding } from '../lib/kernel.js';
import { sumRows, twoLevelSum } from '../lib/reduce.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';
import { filmKernelBindings } from '../norm/group-norm.wgsl.js';

/**
 * A convolution that finishes its own input: the convolution before it left partial sums, and group norm, Mish, FiLM and
 * residual are applied while they are brought to workgroup memory. That saves a dispatch, for which a GPU would have to
 * wait, at the price that every workgroup does it for the channels that it reads.
 */
export interface PrologueParameters {
  readonly epsilon: number;
  /** Columns of the input: a multiple of 4. */
  readonly length: number;
  /** `none`: the sums and their bias alone, without Mish, FiLM and residual. Default `group`. */
  readonly norm?: 'group' | 'none' | undefined;
  readonly film: 'scale-bias' | 'bias' | 'none';
  /** Whether FiLM has values of its own for every column. Default false. */
  readonly filmSlots?: boolean | undefined;
  readonly residual: boolean;
  /** Whether the residual is partial sums too, in the order of x. Default false. */
  readonly residualParts?: boolean | undefined;
  /** Whether channels follow that are finished already, in the tensor that `stored` begins. Default false. */
  readonly joined?: boolean | undefined;
  /** Also write the finished input, for others to read. */
  readonly stored: boolean;
  /** Also write the sums before the norm, or the values before FiLM and residual, in the order [b][channels][length]. */
  readonly probeSums: boolean;
  readonly probeNormalized: boolean;
  /** And the residual, where it is partial sums. Default false. */
  readonly probeResidual?: boolean | undefined;
}

/** Fields of the kernel's shape that the stage adds, in order; then the layouts `stored` and `skip`. */
export function prologueSizes({ joined = false, residualParts = false }: PrologueParameters): string[] {
  return [
    ...['partials', 'partial_stride', 'norm_channels', 'film_offset', 'film_row_length'],
    ...(joined ? ['staged_channels'] : []),
    ...(residualParts ? ['skip_partials'] : []),
  ];
}
export const PROLOGUE_LAYOUTS = ['stored', 'skip'] as const;

/** vec4s of workgroup memory that a stage may fill: with its scratch 16 KiB, the amount every WebGPU device grants. */
export const PROLOGUE_VEC4S = 1024 - 68;

/**
 * x (partial sums of the input, f32 [partials][b][channels][length]) · norm_parameters vec4f [channels]: gamma, beta, bias
 * of the convolution before, bias of the residual's · timestep_film, observation_film, or slot_film, as in group-norm.wgsl.ts · skip, the residual, f32 by
 * layout or partial sums as x, and stored, f32 by layout · probe_sums, probe_normalized, probe_residual f32 [b][channels][length].
 */
export function prologueBindings(p: PrologueParameters): KernelBinding[] {
  const writes = (name: string, present: boolean): KernelBinding[] =>
    present ? [{ name, access: 'read_write', type: 'array<vec4f>' }] : [];
  return [
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'norm_parameters', access: 'read', type: 'array<vec4f>' },
    ...filmKernelBindings(p, 'array<vec4f>'),
    ...(p.residual ? [{ name: 'skip', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...writes('stored', p.stored),
    ...writes('probe_sums', p.probeSums),
    ...writes('probe_normalized', p.probeNormalized),
    ...writes('probe_residual', p.probeResidual ?? false),
  ];
}

/** What a stage applies, for labels of kernels. */
export function prologueParts({ norm = 'group', film, filmSlots, residual, residualParts, joined }: PrologueParameters): string[] {
  return [
    norm === 'group' ? 'group_norm' : 'sums',
    ...(film === 'none' ? [] : [`film ${film}${filmSlots ? ' per column' : ''}`]),
    ...(residual ? [residualParts ? 'residual sums' : 'residual'] : []),
    ...(joined ? ['joined'] : []),
  ];
}

/**
 * `stage(first_channel, channels, batch, writes, local)` fills `shared_values[(c − first_channel) · length/4 + t/4]` with
 *
 *     v[c, t] = mish( (s[c, t] − mean_g) / √(var_g + ε) · gamma[c] + beta[c] ) · film_scale[c] + film_bias[c] + skip[c, t]
 *     s[c, t] = bias[c] + Σ_p x[p, c, t]
 *
 * for whole groups of channels. Mean and (biased) variance are over a group's channels and all columns, in f32 and in two
 * passes. Without a norm v = s. Sums are in a fixed order. The barriers of the first reduction also publish what
 * was loaded before it; an invocation reads what it wrote. Workgroups that say `writes` hand out what is to be stored and probed.
 *
 * With `joined` channels from `staged_channels` on are copied as they are. A residual of partial sums is their sum and its bias.
 */
export function prologueText(p: PrologueParameters, invocations: number): string {
  const vectors = p.length / 4;
  const width = sumRows(invocations);
  const { norm = 'group', filmSlots = false, joined = false, residualParts = false, probeResidual = false } = p;
  const film = (value: string): string => (filmSlots ? `film(batch, ${value}, e % VECTORS)` : `film(batch, ${value})`);
  const staged = joined ? 'shape.staged_channels' : 'shape.in_channels';
  const count = joined ? 'own' : 'channels';
  const store = (value: string): string => `stored[(${at('stored', 'batch', 'channel', '0u')}) / 4u + e % VECTORS] = ${value};`;
  return wgsl`
const VECTORS: u32 = ${vectors}u;
const EPSILON: f32 = ${f32(p.epsilon)};
#if ${norm === 'group'}
var<workgroup> scratch: array<f32, ${invocations}>;
var<workgroup> scratch_rows: array<f32, ${width}>;

${twoLevelSum(invocations, `${invocations}u`)}
#endif

#if ${p.film !== 'none' && filmSlots}
fn film(batch: u32, value: u32, vector: u32) -> vec4f {
  return slot_film[(batch * shape.film_row_length + shape.film_offset + value) * VECTORS + vector];
}
#elif ${p.film !== 'none'}
fn film(batch: u32, value: u32) -> f32 {
  let index = shape.film_offset + value;
  return timestep_film[index] + observation_film[batch * shape.film_row_length + index];
}
#endif

fn stage(first_channel: u32, channels: u32, batch: u32, writes: bool, local: u32) {
  let first = (batch * ${staged} + first_channel) * VECTORS;
  #if ${joined}
  let own = min(channels, max(shape.staged_channels, first_channel) - first_channel);
  for (var e = own * VECTORS + local; e < channels * VECTORS; e += ${invocations}u) {
    shared_values[e] = stored[(${at('stored', 'batch', '(first_channel + e / VECTORS)', '0u')}) / 4u + e % VECTORS];
  }
  #endif
  for (var e = local; e < ${count} * VECTORS; e += ${invocations}u) {
    var value = vec4f(norm_parameters[first_channel + e / VECTORS].z);
    for (var p = 0u; p < shape.partials; p++) {
      value += x[p * shape.partial_stride + first + e];
    }
    shared_values[e] = value;
    #if ${p.probeSums}
    if (writes) {
      probe_sums[first + e] = value;
    }
    #endif
    #if ${norm === 'none' && p.stored}
    if (writes) {
      let channel = first_channel + e / VECTORS;
      ${store('value')}
    }
    #endif
  }
  #if ${norm === 'group'}
  let group_vectors = shape.norm_channels * VECTORS;
  let elements = f32(group_vectors * 4u);
  for (var group = 0u; group < ${count} * VECTORS; group += group_vectors) {
    var sum = 0.0f;
    workgroupBarrier();
    for (var e = group + local; e < group + group_vectors; e += ${invocations}u) {
      sum += sum_of(shared_values[e]);
    }
    let mean = sum_over_workgroup(sum, local) / elements;
    var squares = 0.0f;
    for (var e = group + local; e < group + group_vectors; e += ${invocations}u) {
      let d = shared_values[e] - mean;
      squares += sum_of(d * d);
    }
    let deviation = sqrt(sum_over_workgroup(squares, local) / elements + EPSILON);
    for (var e = group + local; e < group + group_vectors; e += ${invocations}u) {
      let channel = first_channel + e / VECTORS;
      let parameters = norm_parameters[channel];
      var value = mish4((shared_values[e] - mean) / deviation * parameters.x + parameters.y);
      #if ${p.probeNormalized}
      if (writes) {
        probe_normalized[first + e] = value;
      }
      #endif
      #if ${p.film === 'scale-bias'}
      value = value * ${film('channel')} + ${film(`${staged} + channel`)};
      #elif ${p.film === 'bias'}
      value += ${film('channel')};
      #endif
      #if ${p.residual && residualParts}
      var residual = vec4f(parameters.w);
      for (var p = 0u; p < shape.skip_partials; p++) {
        residual += skip[p * shape.partial_stride + first + e];
      }
      value += residual;
      #elif ${p.residual}
      value += skip[(${at('skip', 'batch', 'channel', '0u')}) / 4u + e % VECTORS];
      #endif
      #if ${probeResidual}
      if (writes) {
        probe_residual[first + e] = residual;
      }
      #endif
      shared_values[e] = value;
      #if ${p.stored}
      if (writes) {
        ${store('value')}
      }
      #endif
    }
  }
  #endif
  workgroupBarrier();
}
`;
}
