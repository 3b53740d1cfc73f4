import { readFileSync } from 'node:fs';

/** Numbers of an independent implementation of the same arm, servo and tasks. */
export interface So101Golden {
  readonly fk: readonly {
    readonly q: readonly number[];
    readonly tip: readonly number[];
    readonly grasp: readonly number[];
    readonly R: readonly number[];
    readonly pad_jaw: readonly number[];
    readonly units: readonly number[];
  }[];
  readonly servo: readonly {
    readonly goal: number;
    readonly q: number;
    readonly bias: number;
    readonly w: number;
    readonly goalCount: number;
    readonly posCount: number;
    readonly tau: number;
    readonly frictionloss: number;
  }[];
  readonly ik: readonly {
    readonly target: readonly number[];
    readonly roll: number;
    readonly pitch: number;
    readonly q: readonly number[];
  }[];
  readonly env: {
    readonly seed0: { readonly cube: readonly number[]; readonly obj: readonly number[]; readonly stateUnits: readonly number[] };
  };
  readonly servoConst: {
    readonly stallAtFullDuty: number;
    readonly damping: number;
    readonly stiffnessP16: number;
    readonly counts: number;
  };
  readonly step10deg: { readonly mass: number; readonly len: number; readonly P: number; readonly counts: readonly number[] };
  readonly step06deg: { readonly counts: readonly number[] };
}

export const SO101_GOLDEN = JSON.parse(readFileSync(new URL('../goldens/so101.json', import.meta.url), 'utf8')) as So101Golden;
