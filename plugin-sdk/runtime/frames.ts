import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { FrameDecoder, encodeFrameText } from '../contract/index.ts';

const HUB_FD = 3;
const READ_BYTES = 65_536;

/**
 * The child's end of the channel: frames of one turn leave in one write. Reads and writes go past Node's streams where
 * they can: in a host without JIT those are the greater part of what a short step costs.
 */
export class FrameStream {
  #socket: Socket | null = null;
  #outgoing: Uint8Array[] = [];

  /** Says hello, then hands on the text of each frame; the process ends when the hub has gone or sent what is no frame. */
  open(onText: (text: string) => void): void {
    const decoder = new FrameDecoder();
    const onEnd = (): never => process.exit(0);
    const take = (size: number, buffer: Uint8Array): boolean => {
      try {
        // A copy, since what is not yet a whole frame outlives the next read.
        for (const text of decoder.push(buffer.slice(0, size))) onText(text);
      } catch {
        onEnd();
      }
      return true;
    };
    const onread = { buffer: new Uint8Array(READ_BYTES), callback: take };
    this.#socket = new Socket({ fd: HUB_FD, readable: true, writable: true, onread });
    for (const end of ['close', 'error', 'end']) this.#socket.on(end, onEnd);
    this.#socket.resume();
    this.send(JSON.stringify({ t: 'hello', pid: process.pid }));
  }

  /** Sends one frame given as JSON text. Throws FrameError when it is too long. */
  send(text: string): void {
    this.#outgoing.push(encodeFrameText(text));
    if (this.#outgoing.length === 1) process.nextTick(() => this.#flush());
  }

  /** Sends what is waiting, then calls `done`. */
  finish(done: () => void): void {
    this.#flush();
    this.#socket?.write(new Uint8Array(0), done);
  }

  #flush(): void {
    const frames = this.#outgoing;
    this.#outgoing = [];
    const [only] = frames;
    if (only === undefined) return;
    const bytes = frames.length === 1 ? only : Buffer.concat(frames);
    const sent = this.#socket?.writableLength === 0 ? writeNow(bytes) : 0;
    if (sent < bytes.length) this.#socket?.write(bytes.subarray(sent));
  }
}

/** How many bytes the descriptor takes at once: fewer when the hub is slow to read. */
function writeNow(bytes: Uint8Array): number {
  try {
    return writeSync(HUB_FD, bytes);
  } catch {
    return 0;
  }
}
