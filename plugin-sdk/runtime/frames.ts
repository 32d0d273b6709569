import { Socket } from 'node:net';
import { FrameDecoder, encodeFrameText } from '../contract/index.ts';

const HUB_FD = 3;

/** The child's end of the channel: frames of one turn leave in one write. */
export class FrameStream {
  readonly #socket = new Socket({ fd: HUB_FD, readable: true, writable: true });
  #outgoing: Uint8Array[] = [];

  /** Calls `onTexts` with the frames each read completes; `onEnd` when the hub has gone or sent what is no frame. */
  open(onTexts: (texts: readonly string[]) => void, onEnd: () => void): void {
    const decoder = new FrameDecoder();
    this.#socket.on('data', (chunk: Uint8Array) => {
      try {
        onTexts(decoder.push(chunk));
      } catch {
        onEnd();
      }
    });
    this.#socket.on('close', onEnd);
    this.#socket.on('error', onEnd);
    this.#socket.on('end', onEnd);
  }

  /** Sends one frame given as JSON text. Throws FrameError when it is too long. */
  send(text: string): void {
    this.#outgoing.push(encodeFrameText(text));
    if (this.#outgoing.length === 1) setImmediate(() => this.#flush());
  }

  /** Sends what is waiting, then calls `done`. */
  finish(done: () => void): void {
    this.#flush();
    this.#socket.write(new Uint8Array(0), done);
  }

  #flush(): void {
    const frames = this.#outgoing;
    this.#outgoing = [];
    if (frames.length > 0) this.#socket.write(Buffer.concat(frames));
  }
}
