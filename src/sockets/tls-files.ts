/** Certificate and key of a server, as PEM texts. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}
