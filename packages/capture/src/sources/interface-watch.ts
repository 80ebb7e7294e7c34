// Follows the interface of a ring that went down: looks for it at a calm rate until it is up again. The kernel itself goes
// on with an interface that comes up; one that was removed and made anew is another one, to which the ring is bound again.

import { CaptureError } from '../errors.ts';
import { findInterface, type Ring, type RingModule } from './ring-module.ts';

const lookEveryMs = 1000;
/** Of binding to an interface that is gone at this moment. */
const goneCodes: readonly unknown[] = ['ENODEV', 'ENXIO'];

/** What an {@link InterfaceWatch} watches, and whom it tells. */
export interface InterfaceWatchOptions {
  readonly ring: Pick<Ring, 'bind' | 'interfaceState'>;
  readonly module: Pick<RingModule, 'interfaces'>;
  /** For messages. */
  readonly interfaceName: string;
  /** The system's own name of it. */
  readonly systemName: string;
  /** Called once until it is up again. */
  readonly onInterfaceDown?: ((interfaceName: string) => void) | undefined;
  readonly onInterfaceUp?: ((interfaceName: string) => void) | undefined;
  /** Called where the ring cannot be bound to the interface that is there again; it is looked for no more. */
  readonly onError?: ((error: CaptureError) => void) | undefined;
}

/** The interface of one ring. While it is up this does nothing. */
export class InterfaceWatch {
  readonly #options: InterfaceWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #downs = 0;

  constructor(options: InterfaceWatchOptions) {
    this.#options = options;
  }

  /** How often the interface was found to be down, changes between two looks included. */
  get downs(): number {
    return this.#downs;
  }

  /** To be called when the socket said that its interface is down. */
  wentDown(): void {
    this.#downs++;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#options.onInterfaceDown?.(this.#options.interfaceName);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { ring, interfaceName, onInterfaceUp, onError } = this.#options;
    try {
      if (ring.interfaceState() === 'gone') this.#bindAgain();
      if (ring.interfaceState() !== 'up') return;
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      if (goneCodes.includes(code)) return;
      this.close();
      const reason = cause instanceof Error ? cause.message : String(cause);
      onError?.(
        new CaptureError('capture-failed', `Capturing on ${interfaceName} again failed: ${reason}.`, { cause }),
      );
      return;
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
    onInterfaceUp?.(interfaceName);
  }

  /** Also where the new one is still down: then the kernel takes its packets from the first one on. */
  #bindAgain(): void {
    const { ring, module, systemName } = this.#options;
    const index = findInterface(module, systemName);
    if (index !== undefined) ring.bind(index);
  }
}
