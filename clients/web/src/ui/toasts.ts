import { writable, type Readable } from "svelte/store";

export type Tone = "info" | "good" | "bad";

export interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

const SHOWN_MS = 4500;
const MOST = 3;

/** Short messages that come and go by themselves. */
export class Toasts {
  readonly #store = writable<readonly Toast[]>([]);
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #list: readonly Toast[] = [];
  #next = 1;

  get subscribe(): Readable<readonly Toast[]>["subscribe"] {
    return this.#store.subscribe;
  }

  /** Shows a message; the same one twice is shown once, for longer. */
  add(text: string, tone: Tone = "info"): void {
    for (const same of this.#list.filter((toast) => toast.text === text)) this.dismiss(same.id);
    const id = this.#next++;
    this.#timers.set(id, setTimeout(() => this.dismiss(id), tone === "bad" ? SHOWN_MS * 1.6 : SHOWN_MS));
    for (const old of this.#list.slice(0, Math.max(0, this.#list.length + 1 - MOST))) this.dismiss(old.id);
    this.#set([...this.#list, { id, text, tone }]);
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.#set(this.#list.filter((toast) => toast.id !== id));
  }

  close(): void {
    for (const { id } of this.#list) this.dismiss(id);
  }

  #set(list: readonly Toast[]): void {
    this.#list = list;
    this.#store.set(list);
  }
}
