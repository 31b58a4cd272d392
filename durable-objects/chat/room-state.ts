/** What a room remembers beside its publications: its epoch, how it is run, what is pinned. */
import { type ChatMessage, type ChatSettings, DEFAULT_SETTINGS } from "../../wire/chat.ts";

const EPOCH = "epoch";
const SETTINGS = "settings";
const PINNED = "pinned";

export class RoomState {
  readonly #kv: SyncKvStorage;
  #settings: ChatSettings;
  #pinned: ChatMessage | undefined;
  /** New with the room's storage: who knows another one knows nothing of this room. */
  readonly epoch: string;

  constructor(kv: SyncKvStorage, newEpoch: () => string) {
    this.#kv = kv;
    const known = kv.get<string>(EPOCH);
    this.epoch = known ?? newEpoch();
    if (known === undefined) kv.put(EPOCH, this.epoch);
    // A setting that was added since has its default.
    this.#settings = { ...DEFAULT_SETTINGS, ...kv.get<Partial<ChatSettings>>(SETTINGS) };
    this.#pinned = kv.get<ChatMessage>(PINNED);
  }

  get settings(): ChatSettings {
    return this.#settings;
  }

  set settings(settings: ChatSettings) {
    this.#kv.put(SETTINGS, settings);
    this.#settings = settings;
  }

  get pinned(): ChatMessage | undefined {
    return this.#pinned;
  }

  set pinned(message: ChatMessage | undefined) {
    if (message === undefined) this.#kv.delete(PINNED);
    else this.#kv.put(PINNED, message);
    this.#pinned = message;
  }
}
