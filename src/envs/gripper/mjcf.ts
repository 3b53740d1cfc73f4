import { geomXml } from '../mujoco/primitives.js';
import type { GripperGoal, Thing } from './goal.js';
import { FINGER_TRAVEL, FINGERS, type HandPlan, HINGES, ONE_HAND, PALM_SOLIDS, SLIDES, solidOf } from './hand.js';

/** Physics: steps per tick of 20 Hz, where a task does not need finer ones. */
export const SUBSTEPS = 12;
export const TICK_RATE = 20;
/**
 * kg m². Where the middle hinge is at a quarter turn, the outer and the inner one turn about the same axis: without an inertia of their own the mass
 * matrix would have no inverse there.
 */
const HINGE_ARMATURE = 0.002;

/** Of solids that would topple otherwise, kg/m³. */
const HEAVY = 3000;
/** A second hand touches the first one, and nothing of itself. */
const OTHER_HAND = `
<default class="other_hand"><geom contype="4" conaffinity="3" condim="3" friction=".6 .005 .0001"/></default>
<default class="other_pad"><geom contype="4" conaffinity="3" condim="4" friction="1 .02 .001" priority="1" solref=".01 1"/></default>`;
const HEAVY_OBJECT = `
<default class="heavy"><geom contype="1" conaffinity="3" condim="4" friction=".6 .005 .0001" solref=".01 1" density="${HEAVY}"/></default>`;

/**
 * Hands, table, and what a task puts there. Position actuators move slides and hinges as an operational-space controller would; gravity does not
 * pull at the hand. `noslip`, the elliptic cone and `impratio` keep what is gripped where it is.
 */
export function gripperXml({ task, things, fixtures, hands = ONE_HAND, substeps = SUBSTEPS }: GripperGoal): string {
  const isHeavy = things.some(({ solids }) => solids.some(({ material }) => material === 'heavy'));
  return `<mujoco model="${task}"><compiler angle="radian" autolimits="true"/><size memory="${4 * hands.length}M"/>
<option timestep="${1 / (TICK_RATE * substeps)}" integrator="implicitfast" cone="elliptic" impratio="10" noslip_iterations="3" iterations="20" ls_iterations="20" solver="Newton"/>
<default>
<default class="fixed"><geom contype="0" conaffinity="0"/></default>
<default class="hand"><geom contype="2" conaffinity="1" condim="3" friction=".6 .005 .0001"/></default>
<default class="pad"><geom contype="2" conaffinity="1" condim="4" friction="1 .02 .001" priority="1" solref=".01 1"/></default>
<default class="object"><geom contype="1" conaffinity="3" condim="4" friction=".6 .005 .0001" solref=".01 1" density="500"/></default>${hands.length > 1 ? OTHER_HAND : ''}${isHeavy ? HEAVY_OBJECT : ''}
</default>
<worldbody>
<geom name="table" type="plane" size="1 1 .1" contype="1" conaffinity="3" friction=".6 .005 .0001" rgba=".80 .78 .74 1"/>
${hands.map(handXml).join('\n')}
${fixtures.map(({ name, at, solids }) => `<body name="${name}" pos="${at.join(' ')}">${solids.map(geomXml).join('')}</body>`).join('\n')}
${things.flatMap((thing, index) => (thing.hinge ? [] : [thingXml(thing, index, things)])).join('\n')}
</worldbody>
<actuator>
${hands.map(actuatorsXml).join('\n')}
</actuator></mujoco>`;
}

/** One that moves freely, or one that is placed, with what turns on it. */
function thingXml({ name, solids, isPlaced }: Thing, index: number, things: readonly Thing[]): string {
  const geoms = solids.map(geomXml).join('');
  if (!isPlaced) return `<body name="${name}"><freejoint/>${geoms}</body>`;
  const turning = things.flatMap(({ name: part, solids: parts, hinge }) => {
    if (hinge?.on !== index) return [];
    const { axis: about, range, damping, friction } = hinge;
    const joint = `<joint name="${part}" type="hinge" axis="${about.join(' ')}" range="0 ${range}" damping="${damping}" frictionloss="${friction}"/>`;
    return [`<body name="${part}">${joint}${parts.map(geomXml).join('')}</body>`];
  });
  return `<body name="${name}" mocap="true">${geoms}${turning.join('')}</body>`;
}

function handXml(plan: HandPlan): string {
  const { prefix } = plan;
  const slides = SLIDES.map((name, i) => `<joint name="${prefix}${name}" type="slide" axis="${axis(i)}"/>`);
  const hinges = HINGES.map(
    (name, i) => `<joint name="${prefix}${name}" type="hinge" armature="${HINGE_ARMATURE}" axis="${axis(2 - i)}"/>`,
  );
  const fingers = FINGERS.map(
    ({ joint, side, solid }) =>
      `<body name="${prefix}${joint}" gravcomp="1"><joint name="${prefix}${joint}" type="slide" axis="0 ${side} 0" range="0 ${FINGER_TRAVEL}"/>` +
      `<inertial pos="0 0 .02" mass=".05" diaginertia="2e-5 2e-5 2e-5"/>${geomXml(solidOf(plan, solid))}</body>`,
  );
  return `<body name="${prefix}hand" gravcomp="1">${slides.join('')}${hinges.join('')}<inertial pos="0 0 0" mass="1" diaginertia=".004 .004 .004"/>
${PALM_SOLIDS.map((solid) => geomXml(solidOf(plan, solid))).join('')}
${fingers.join('\n')}</body>`;
}

function actuatorsXml({ prefix }: HandPlan): string {
  const actuator = (name: string, gains: string): string => `<position name="${prefix}${name}" joint="${prefix}${name}" ${gains}/>`;
  return `${SLIDES.map((name) => actuator(name, 'kp="900" kv="60"')).join('')}
${HINGES.map((name) => actuator(name, 'kp="12" kv=".5"')).join('')}
${FINGERS.map(({ joint }) => actuator(joint, 'kp="800" kv="15" forcerange="-20 20"')).join('')}`;
}

function axis(index: number): string {
  return [0, 1, 2].map((i) => Number(i === index)).join(' ');
}
