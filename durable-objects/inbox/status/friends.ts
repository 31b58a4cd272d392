/**
 * Who may see how the user of an inbox is, and whom they may see: asked, granted and withdrawn between two inboxes. Each writes down its own
 * side and what the other has to hear of it before it says so, and says it until it was heard. Who watches whom is in watching.ts.
 */
import { fail, ok } from "../../../media/result.ts";
import { type FriendState, type InboxEvent, MAX_FRIENDS } from "../../../wire/inbox.ts";
import { backoffMs } from "../../core/backoff.ts";
import type { Speaker } from "../../core/chat/judge.ts";
import type { Acted } from "../../core/viewers/socket/decision.ts";
import { within } from "../../deadline.ts";
import { FRIEND_MS, type FriendAnswer, type FriendCall, type FriendInbox } from "./friend-calls.ts";
import type { Follower, FriendRows, Owed, OwedRow } from "./friend-rows.ts";

/** Who asks again within that is listed, but told of no more. */
const ASK_AGAIN_MS = 24 * 60 * 60_000;
/** When what is said at once is said again by the alarm, if it was not heard. */
const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 60 * 60_000;

export interface FriendPorts {
  readonly user: string;
  readonly rows: FriendRows;
  /** To the user's devices, with an offset. */
  readonly tell: (event: InboxEvent) => void;
  readonly inboxOf: (user: string) => FriendInbox;
  readonly isBlocked: (user: string) => boolean;
  /** Whether the user may reach out to somebody else today; they are counted. */
  readonly reaches: () => boolean;
  /** Something is due, or sooner than it was. */
  readonly schedule: () => void;
  /** Whether the user may see somebody is another than it was. */
  readonly turned: (user: string, mayBeSeen: boolean) => void;
}

type Call<T extends FriendCall["type"]> = Extract<FriendCall, { readonly type: T }>;

export class Friends {
  readonly #ports: FriendPorts;
  readonly #rows: FriendRows;

  constructor(ports: FriendPorts) {
    this.#ports = ports;
    this.#rows = ports.rows;
  }

  /** Ask to see how somebody is; asked again it is the same question. */
  async follow({ name }: Speaker, user: string, now: number): Promise<Acted> {
    if (user === this.#ports.user) return fail("forbidden");
    const known = this.#rows.following(user);
    if (known?.state === "allowed") return ok({ state: known.state });
    if (!known && this.#rows.allFollowing().length >= MAX_FRIENDS) return fail({ name: "tooManyFriends" });
    if (!known && !this.#ports.reaches()) return fail({ name: "tooFast" });
    this.#rows.transaction(() => {
      this.#rows.follow(user, "asked", name ?? null);
      this.#rows.owe(user, "following", now + FIRST_WAIT_MS);
      if (!known) this.#ports.tell({ type: "friend", user, state: "asked" });
    });
    const answer = await this.#say(user, "following", now);
    return answer?.isFull
      ? fail({ name: "tooManyFriends" })
      : ok({ state: this.#rows.following(user)?.state ?? "none" });
  }

  /** Want to see it no more. */
  async unfollow(user: string, now: number): Promise<Acted> {
    if (!this.#rows.following(user)) return ok({});
    this.#rows.transaction(() => {
      this.#rows.owe(user, "following", now + FIRST_WAIT_MS);
      this.#lose(user);
    });
    await this.#say(user, "following", now);
    return ok({});
  }

  /** Let somebody see how the user is, whether they have asked or not; or no more. */
  async allow(user: string, isAllowed: boolean, now: number): Promise<Acted> {
    if (user === this.#ports.user) return fail("forbidden");
    const known = this.#rows.follower(user);
    const state = isAllowed ? "allowed" : "over";
    if ((known?.state ?? "over") === state) return ok({});
    if (isAllowed && this.#isFullFor(known)) return fail({ name: "tooManyFriends" });
    if (!known && !this.#ports.reaches()) return fail({ name: "tooFast" });
    this.#rows.transaction(() => {
      this.#rows.putFollower(
        { user, name: known?.name ?? null, state, at: known?.at ?? now },
        now - ASK_AGAIN_MS,
      );
      this.#rows.owe(user, "allowing", now + FIRST_WAIT_MS);
    });
    await this.#say(user, "allowing", now);
    return ok({});
  }

  /** Somebody says whether they want to see how the user is. Who is blocked is told nothing else than who has to wait. */
  heedFollowing({ by, name, isFollowing }: Call<"following">, now: number): FriendAnswer {
    const known = this.#rows.follower(by);
    const isKnown = known !== undefined && known.state !== "over";
    if (!isFollowing) {
      if (isKnown) this.#rows.putFollower({ ...known, state: "over" }, now - ASK_AGAIN_MS);
      return { state: "none" };
    }
    if (this.#ports.isBlocked(by)) return { state: "asked" };
    if (isKnown) return { state: known.state === "allowed" ? "allowed" : "asked" };
    if (this.#isFullFor(known)) return { isFull: true };
    const isNews = known === undefined || now - known.at >= ASK_AGAIN_MS;
    this.#rows.transaction(() => {
      const at = isNews ? now : known.at;
      this.#rows.putFollower({ user: by, name: name ?? null, state: "asked", at }, now - ASK_AGAIN_MS);
      if (isNews) {
        this.#ports.tell({ type: "friend-request", user: by, ...(name !== undefined && { name }) });
      }
    });
    return { state: "asked" };
  }

  /** Somebody says whether the user may see how they are. */
  heedAllowing({ by, isAllowed }: Call<"allowing">): FriendAnswer {
    this.#turn(by, isAllowed ? "allowed" : "none");
    return {};
  }

  /** Say again what was not heard. */
  async again(now: number): Promise<void> {
    await Promise.all(this.#rows.due(now).map(({ user, what }) => this.#say(user, what, now)));
  }

  /** One more who follows is one too many; who is one of them already is not. */
  #isFullFor(known: Follower | undefined): boolean {
    return (known === undefined || known.state === "over") && this.#rows.followers().length >= MAX_FRIENDS;
  }

  /** Say to somebody what they are owed; `undefined`: they did not hear it, and it will be said again. */
  async #say(user: string, what: Owed, now: number): Promise<FriendAnswer | undefined> {
    const owed = this.#rows.owed(user, what);
    if (!owed) return undefined;
    // Should this object go away before there is an answer.
    this.#ports.schedule();
    try {
      const said: Promise<FriendAnswer> = this.#ports.inboxOf(user).befriend(this.#words(owed));
      const answer = await within(FRIEND_MS, what, said);
      // What has been said meanwhile comes with an answer of its own.
      const isNewest = this.#rows.owed(user, what)?.version === owed.version;
      this.#rows.settle(owed);
      if (what === "following" && isNewest)
        this.#turn(user, answer.isFull ? "none" : (answer.state ?? "none"));
      return answer;
    } catch (error) {
      console.warn("a friend did not hear it", { what, error: String(error) });
      this.#rows.postpone(owed, now + backoffMs(owed.failures + 1, LONGEST_WAIT_MS));
      this.#ports.schedule();
      return undefined;
    }
  }

  #words({ user, what }: OwedRow): FriendCall {
    const by = this.#ports.user;
    if (what === "allowing") {
      return { type: what, by, isAllowed: this.#rows.follower(user)?.state === "allowed" };
    }
    const following = this.#rows.following(user);
    const name = following?.name ?? undefined;
    return { type: what, by, isFollowing: following !== undefined, ...(name !== undefined && { name }) };
  }

  /** What somebody says of the user's wish to see them. */
  #turn(user: string, state: FriendState): void {
    const known = this.#rows.following(user);
    if (!known || known.state === state) return;
    this.#rows.transaction(() => {
      if (state === "none") this.#lose(user);
      else {
        this.#rows.follow(user, state, known.name);
        this.#ports.tell({ type: "friend", user, state });
      }
    });
    if (state !== "none") this.#ports.turned(user, state === "allowed");
  }

  #lose(user: string): void {
    this.#rows.unfollow(user);
    this.#ports.tell({ type: "friend", user, state: "none" });
    this.#ports.turned(user, false);
  }
}
