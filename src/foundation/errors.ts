import { visible, visibleLines } from './visible.js';

/**
 * Error classes follow what the reader can do about them, not where they arose. Every message says what was expected,
 * what was found, where, and what to do. It is one line, whatever the names in it hold: see `visible`.
 */
export class WarmstepError extends Error {
  /** Whether messages of this class are texts of several lines. */
  protected static readonly hasLines: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(new.target.hasLines ? visibleLines(message) : visible(message), options);
    this.name = new.target.name;
  }
}

/** A file of a checkpoint is malformed, incomplete or inconsistent: convert or export the checkpoint again. */
export class CheckpointError extends WarmstepError {}

/** The checkpoint is valid, but asks for something this engine does not do (image features, pickles, …). */
export class UnsupportedCheckpointError extends CheckpointError {}

/** A data set is malformed, incomplete or inconsistent: the message names file, episode and frame; mend it or record it again. */
export class DatasetError extends WarmstepError {}

/** An option or argument of a call is not usable: correct the call. */
export class OptionError extends WarmstepError {}

/** A weight is beyond the range of f16: load the checkpoint with precision 'f32'. */
export class HalfRangeError extends OptionError {}

/** An observation is missing, of the wrong length, or not finite: look at the sensor or the code that fills it. */
export class ObservationError extends WarmstepError {}

/** No usable WebGPU adapter: install a driver, or choose another adapter. */
export class NoAdapterError extends WarmstepError {}

/** The adapter's limits are too small for the network: use another adapter or a smaller network. */
export class DeviceLimitError extends WarmstepError {}

/** The device was lost or destroyed while work was under way: open a new one. */
export class DeviceLostError extends WarmstepError {}

/** The policy was disposed of: load it again. */
export class DisposedError extends WarmstepError {}

/** A shader or pipeline did not pass validation: a defect of the engine or of the driver. */
export class ShaderError extends WarmstepError {
  /** The text of the kernel, line by line. */
  protected static override readonly hasLines = true;
}

/** The network produced NaN or infinity; no action is returned. */
export class NonFiniteError extends WarmstepError {}

/** A file could not be fetched: its address, the rights to it, or the network. */
export class DownloadError extends WarmstepError {}
