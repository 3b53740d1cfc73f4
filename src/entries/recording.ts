/** `warmstep/recording`: a control loop recorded to MCAP, read again, its decisions repeated bit by bit, and drawn. */

export { RecordingError } from '../recording/error.js';
export type { EncoderImage, ImageEncoder, RecordLoopOptions } from '../recording/options.js';
export { plotRecording } from '../recording/plot.js';
export { readLoopRecording } from '../recording/read.js';
export { type LogLevel, type RecordingHandle, type RecordingSummary, recordLoop } from '../recording/record-loop.js';
export type { LoopRecording, RecordedAction, RecordedDecision, RecordedObservation, RecordedPicture } from '../recording/recording.js';
export { type ChunkDifference, type RepeatedDecision, type ReplayPolicy, replayDecisions } from '../recording/replay.js';
export type { RecordingSink } from '../recording/writer.js';
