import { describe, it } from 'vitest';
import { attention, gelu, layerNorm } from '../../support/reference.js';
import {
  attentionGradient,
  finiteDifferences,
  geluSlope,
  inner,
  layerNormGradient,
  vector,
} from '../../support/reference-token-gradients.js';
import { expectClose, Normals, type Values } from '../../support/values.js';

const TOLERANCE = { atol: 1e-8, rtol: 1e-7 };

describe('reference gradients agree with finite differences of the reference', () => {
  it('attention', () => {
    const normals = new Normals(1);
    const [q, dy] = [normals.values(2, 6, 3), normals.values(2, 6, 3)];
    const [k, v] = [normals.values(2, 6, 4), normals.values(2, 6, 4)];
    const found = attentionGradient({ q, k, v, dy }, 2);
    const loss = (q_: Values, k_: Values, v_: Values): number => inner(attention(q_, k_, v_, 2), dy);
    expectClose(found.y, attention(q, k, v, 2), TOLERANCE, 'y');
    expectClose(
      found.dq,
      finiteDifferences(q, (x) => loss(x, k, v)),
      TOLERANCE,
      'dq',
    );
    expectClose(
      found.dk,
      finiteDifferences(k, (x) => loss(q, x, v)),
      TOLERANCE,
      'dk',
    );
    expectClose(
      found.dv,
      finiteDifferences(v, (x) => loss(q, k, x)),
      TOLERANCE,
      'dv',
    );
  });

  it('attention with dropout', () => {
    const normals = new Normals(2);
    const [q, dy] = [normals.values(1, 4, 2), normals.values(1, 4, 2)];
    const [k, v] = [normals.values(1, 4, 3), normals.values(1, 4, 3)];
    const factor = (b: number, head: number, i: number, j: number): number => ((b + head + i + 2 * j) % 3 === 0 ? 0 : 1.25);
    const loss = (q_: Values, k_: Values, v_: Values): number => inner(attentionGradient({ q: q_, k: k_, v: v_, dy }, 2, factor).y, dy);
    const found = attentionGradient({ q, k, v, dy }, 2, factor);
    expectClose(
      found.dq,
      finiteDifferences(q, (x) => loss(x, k, v)),
      TOLERANCE,
      'dq',
    );
    expectClose(
      found.dk,
      finiteDifferences(k, (x) => loss(q, x, v)),
      TOLERANCE,
      'dk',
    );
    expectClose(
      found.dv,
      finiteDifferences(v, (x) => loss(q, k, x)),
      TOLERANCE,
      'dv',
    );
  });

  it('layer norm', () => {
    const normals = new Normals(3);
    const [x, dy] = [normals.values(2, 5, 3), normals.values(2, 5, 3)];
    const [gamma, beta] = [normals.floats(5), normals.floats(5)];
    const found = layerNormGradient(x, gamma, dy);
    expectClose(
      found.dx,
      finiteDifferences(x, (at) => inner(layerNorm(at, gamma, beta), dy)),
      TOLERANCE,
      'dx',
    );
    // The reference's parameters are f32: differences of that size.
    const loose = { atol: 1e-3, rtol: 1e-3 };
    expectClose(
      vector(found.dGamma),
      finiteDifferences(vector(gamma), (at) => inner(layerNorm(x, Float32Array.from(at.data), beta), dy), 1e-2),
      loose,
      'dgamma',
    );
    expectClose(
      vector(found.dBeta),
      finiteDifferences(vector(beta), (at) => inner(layerNorm(x, gamma, Float32Array.from(at.data)), dy), 1e-2),
      loose,
      'dbeta',
    );
  });

  it('GELU', () => {
    const x = vector([-9, -3, -1, -0.1, 0, 0.3, 1, 2.5, 8]);
    expectClose(
      vector(x.data.map(geluSlope)),
      { ...x, data: x.data.map((at) => (gelu(at + 1e-5) - gelu(at - 1e-5)) / 2e-5) },
      TOLERANCE,
      'slope',
    );
    expectClose(
      vector([geluSlope(1), geluSlope(-1)]),
      vector([1.08331547058769, -0.0833154705876863]),
      { atol: 1e-14, rtol: 0 },
      'known values',
    );
  });
});
