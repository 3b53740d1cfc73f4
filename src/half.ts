export * from './checkpoints/half.js';
