import { geomXml } from '../mujoco/primitives.js';
import { ARM, BASE_SOLIDS, CUBE_HALF, GRASP, JOINT_NAMES, LINK_SOLIDS, TIP } from './arm-table.js';
import type { So101Goal } from './goals.js';

/** Physics: ten steps per tick of 30 Hz. */
export const SUBSTEPS = 10;
export const TICK_RATE = 30;
export const TIMESTEP = 1 / (TICK_RATE * SUBSTEPS);

export interface So101Physics {
  /** Of the servos' joints, N m s/rad and kg m². */
  readonly damping: number;
  readonly armature: number;
  /** Play of the arm joints in all, rad; 0 for none. */
  readonly backlash: number;
}

/** Of a second hinge, in series with a joint, that moves within its gears' play. */
export function playName(joint: string): string {
  return `${joint}_play`;
}

/**
 * Arm, table, a cube, and what the cube is to be brought to. `noslip` makes friction hold: without it joints under load creep, and no
 * standstill is exact. The elliptic cone and `impratio` keep a gripped cube where it is.
 */
export function so101Xml(goal: So101Goal, { damping, armature, backlash }: So101Physics): string {
  const cube = `${CUBE_HALF} ${CUBE_HALF} ${CUBE_HALF}`;
  return `<mujoco model="so101"><compiler angle="radian" autolimits="true"/><size memory="2M"/>
<option timestep="${TIMESTEP}" integrator="implicitfast" cone="elliptic" impratio="10" noslip_iterations="3" iterations="20" ls_iterations="20" solver="Newton"/>
<default>
<default class="servo"><joint type="hinge" damping="${damping}" armature="${armature}" frictionloss="0.1" solimpfriction="0.9 0.95 0.001" solreffriction="0.004 1"/></default>
<default class="play"><joint type="hinge" damping=".005" armature=".0002" solreflimit=".004 1" solimplimit=".95 .99 .0005"/></default>
<default class="fixed"><geom contype="0" conaffinity="0"/></default>
<default class="link"><geom contype="2" conaffinity="1" condim="3" friction=".6 .005 .0001" group="1"/></default>
<default class="pad"><geom contype="2" conaffinity="1" condim="4" friction="1 0.02 0.001" priority="1" solref=".01 1" solimp=".95 .99 .001" group="1"/></default>
<default class="object"><geom contype="1" conaffinity="3" condim="4" friction=".8 .005 .0001" solref=".01 1" solimp=".95 .99 .001"/></default>
</default>
<worldbody>
<geom name="table" type="plane" size="1 1 .1" contype="1" conaffinity="3" friction=".8 .005 .0001" rgba=".80 .78 .74 1"/>
<body name="base">${BASE_SOLIDS.map(geomXml).join('')}${armXml(backlash)}</body>
<body name="cube" pos=".2 .05 .015"><freejoint/><geom name="cube" type="box" size="${cube}" mass=".02" rgba=".15 .35 .85 1" class="object"/></body>
${goal.xml}
</worldbody>
<actuator>${JOINT_NAMES.map((name) => `<motor name="${name}" joint="${name}" ctrlrange="-10 10"/>`).join('')}</actuator></mujoco>`;
}

/** Links in links, each with its joint, its solids, and sites in the hand. */
function armXml(backlash: number): string {
  const links = ARM.map(({ name, link, offset, axis, range, mass, centre, inertia }, index) => {
    const along = axis.join(' ');
    const play =
      backlash > 0 && link !== 'jaw'
        ? `<joint name="${playName(name)}" axis="${along}" range="${-backlash / 2} ${backlash / 2}" class="play"/>`
        : '';
    const sites =
      link === 'hand'
        ? `<site name="grasp" pos="${GRASP.join(' ')}" size=".003"/><site name="tip" pos="${TIP.join(' ')}" size=".003"/>`
        : '';
    return (
      `<body name="${link}" pos="${offset.join(' ')}"><joint name="${name}" axis="${along}" range="${range.join(' ')}" class="servo"/>${play}` +
      `<inertial pos="${centre.join(' ')}" mass="${mass}" diaginertia="${inertia.join(' ')}"/>` +
      `${(LINK_SOLIDS[index] ?? []).map(geomXml).join('')}${sites}`
    );
  });
  return links.join('\n') + '</body>'.repeat(links.length);
}
