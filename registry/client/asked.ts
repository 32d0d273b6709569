/** How a registry is asked, whether it answers itself or its answers lie there as files. */
export interface Asked {
  /** A body, of at most `maxBytes`; throws REGISTRY_… for anything but success. */
  get(path: string, maxBytes?: number): Promise<Buffer>;
  post(path: string, value: unknown): Promise<Buffer>;
  /** Whatever is answered, for a reader that bounds and believes it by itself. */
  find(path: string): Promise<{ status: number; body: ReadableStream<Uint8Array> | null }>;
  close(): void;
}
