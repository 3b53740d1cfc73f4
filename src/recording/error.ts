import { WarmstepError } from '../foundation/errors.js';

/** A recording cannot be written or read: install what is missing, free the disk, or record again. */
export class RecordingError extends WarmstepError {}
