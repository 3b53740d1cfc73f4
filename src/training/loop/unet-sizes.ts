import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkList, checkObject, checkToggle } from '../../foundation/options.js';
import { FINAL_GROUPS, type UnetShape } from '../../spec/network-shapes.js';

/** The U-Net as options name its sizes; the data set says the rest. */
export type UnetSizes = Pick<UnetShape, 'downDims' | 'kernelSize' | 'groups' | 'stepEmbedDim' | 'scaleModulation'>;

const SIZES: UnetSizes = { downDims: [512, 1024, 2048], kernelSize: 5, groups: 8, stepEmbedDim: 128, scaleModulation: true };

/**
 * Sizes of a U-Net that is to be trained. `spare`: how often the horizon must be even beyond what the network halves it, as LeRobot has it.
 * @throws OptionError.
 */
export function checkedUnet(
  what: string,
  sizes: Partial<UnetSizes>,
  fixed: Pick<UnetShape, 'horizon' | 'actionDim' | 'conditioningDim'>,
  spare: 0 | 1,
): UnetShape {
  const where = `${what}: sizes`;
  checkObject(what, 'sizes', sizes);
  checkKeys(where, sizes, Object.keys(SIZES));
  const unet = { ...fixed, ...SIZES, ...sizes };
  const { downDims, kernelSize, groups, stepEmbedDim, horizon } = unet;
  checkInteger(where, 'groups', groups, 1, 65_536);
  checkInteger(where, 'the number of downDims', checkList(where, 'downDims', downDims).length, 1, 16);
  downDims.forEach((dim, i) => {
    checkInteger(where, `downDims[${i}]`, dim, 1, 65_536);
    if (dim % groups !== 0) throw new OptionError(`${where}: downDims must be multiples of groups ${groups}, found ${dim}.`);
  });
  if ((downDims[0] as number) % FINAL_GROUPS !== 0) {
    throw new OptionError(
      `${where}: downDims[0] must be a multiple of ${FINAL_GROUPS}, the groups of the last norm, found ${downDims[0]}.`,
    );
  }
  const multiple = 2 ** (downDims.length - 1 + spare);
  if (horizon % multiple !== 0) {
    const because = spare === 1 ? ', as LeRobot has it' : ', as often as it is halved';
    throw new OptionError(
      `${what}: horizon must be a multiple of ${multiple} for ${downDims.length} downDims${because}, found ${horizon}.`,
    );
  }
  checkInteger(where, 'kernelSize', kernelSize, 1, 255);
  if (kernelSize % 2 === 0) throw new OptionError(`${where}: kernelSize must be odd, found ${kernelSize}.`);
  checkInteger(where, 'stepEmbedDim', stepEmbedDim, 4, 65_536);
  if (stepEmbedDim % 2 !== 0) throw new OptionError(`${where}: stepEmbedDim must be even, found ${stepEmbedDim}.`);
  checkToggle(where, 'scaleModulation', unet.scaleModulation);
  return unet;
}
