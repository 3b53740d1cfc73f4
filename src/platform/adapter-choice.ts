/** Environment variable that overrides the default choice of an adapter. */
export const ADAPTER_VARIABLE = 'WARMSTEP_ADAPTER';
