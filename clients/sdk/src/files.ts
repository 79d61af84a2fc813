import { clientError } from "./errors";
import { asObject, dataOf, path, refusal } from "./rest";
import type { Page, PageOptions, Rest } from "./rest";

/** The files of one room. */

export interface UploadedFile {
  originalName: string;
  /** The name to ask for it by. */
  filename: string;
  /** Bytes. */
  size: number;
  roomId: string;
  path: string;
}

export interface RoomFile {
  filename: string;
  originalName: string;
  /** Bytes. */
  size: number;
  uploadDate: string;
  path: string;
}

export interface UploadOptions {
  /** Hears how many bytes of how many have been sent. Only browsers tell; elsewhere it hears the end alone. */
  onProgress?: (sent: number, total: number) => void;
  signal?: AbortSignal;
}

export class RoomFiles {
  readonly #rest: Rest;
  readonly #roomId: string;

  constructor(rest: Rest, roomId: string) {
    this.#rest = rest;
    this.#roomId = roomId;
  }

  /** Uploads a file; `name` where it is a Blob without one. */
  async upload(file: File | Blob, name?: string, options: UploadOptions = {}): Promise<UploadedFile> {
    if (options.signal?.aborted) throw clientError("aborted");
    const form = new FormData();
    form.append("file", file, name ?? ("name" in file ? file.name : "file"));
    const address = this.#rest.address(path`/v1/room/${this.#roomId}/upload`);
    if (typeof XMLHttpRequest !== "undefined") return sendByXhr(address, this.#rest.headers(), form, options);
    const { signal } = options;
    const response = await this.#rest.send(address, { method: "POST", headers: this.#rest.headers(), body: form, ...(signal ? { signal } : {}) });
    options.onProgress?.(file.size, file.size);
    return dataOf(await this.#rest.json(response)) as UploadedFile;
  }

  /** The files, the newest first. */
  list(options: PageOptions = {}): Promise<Page<RoomFile>> {
    return this.#rest.page(path`/v1/room/${this.#roomId}/files`, options);
  }

  get(filename: string): Promise<RoomFile> {
    return this.#rest.call(path`/v1/room/${this.#roomId}/files/${filename}`);
  }

  /** The bytes, as an answer that can be read in a stream. */
  download(filename: string, signal?: AbortSignal): Promise<Response> {
    return this.#rest.fetch(path`/v1/room/${this.#roomId}/files/${filename}`, { query: { download: 1 }, signal });
  }

  async delete(filename: string): Promise<void> {
    await this.#rest.call(path`/v1/room/${this.#roomId}/files/${filename}`, { method: "DELETE" });
  }

  /** Deletes all files of the room; answers how many there were. */
  async deleteAll(): Promise<number> {
    const { deletedCount } = await this.#rest.call<{ deletedCount: number }>(path`/v1/room/${this.#roomId}/files`, { method: "DELETE" });
    return deletedCount;
  }
}

/** fetch tells nothing of how an upload goes on; XMLHttpRequest does. */
function sendByXhr(address: string, headers: Record<string, string>, form: FormData, options: UploadOptions): Promise<UploadedFile> {
  const { onProgress, signal } = options;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    request.open("POST", address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onProgress) request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onload = () => {
      const answer = asObject(request.responseText);
      if (request.status < 200 || request.status > 299) reject(refusal(request.status, answer));
      else if (answer === null) reject(clientError("bad_answer"));
      else resolve(dataOf(answer) as UploadedFile);
    };
    request.onerror = () => reject(clientError("network"));
    request.onabort = () => reject(clientError("aborted"));
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort);
    request.send(form);
  });
}
