/**
 * Forty ticks of the bundled policy on observations of a formula, as any runtime can play them: plain JavaScript against the package's
 * surface. Returns the bits of all actions, in hexadecimal.
 *
 * @param {(observation: Record<string, number[]>) => Promise<Float32Array>} act
 * @param {readonly { name: string, size: number }[]} observations
 */
export async function playScenario(act, observations) {
  let bits = '';
  for (let tick = 0; tick < 40; tick++) {
    const observation = Object.fromEntries(
      observations.map(({ name, size }) => [name, Array.from({ length: size }, (_, i) => 100 + ((tick * 7 + i * 31) % 300))]),
    );
    const action = await act(observation);
    bits += [...new Uint8Array(action.buffer, action.byteOffset, action.byteLength)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  return bits;
}

/** What the scenario is loaded with. */
export const SCENARIO = { seed: 7, strategy: { name: 'STEP' } };
