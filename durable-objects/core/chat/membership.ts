/** Who may do what in a conversation. Decides by its members as they are; looks nothing up and keeps nothing. */
import { fail, ok, type Result } from "../../../media/result.ts";
import { MAX_MEMBERS, type MemberRole, type RoomKind } from "../../../wire/conversations.ts";
import type { Refusal } from "./judge.ts";

/** What of a conversation decides. */
export interface Company {
  readonly kind: RoomKind;
  /** By user. */
  readonly roles: ReadonlyMap<string, MemberRole>;
}

export type Denial = Refusal | "forbidden";

const runs = (role: MemberRole | undefined): boolean => role === "owner" || role === "moderator";

/** Owners and moderators of a group. */
export const mayModerate = ({ kind, roles }: Company, user: string): boolean =>
  kind === "group" && runs(roles.get(user));

/** Who of these comes in, when somebody asks them in: all of them or nobody. Who is there already is no news. */
export function judgeInvitation(
  company: Company,
  by: string,
  users: readonly string[],
): Result<readonly string[], Denial> {
  if (!mayModerate(company, by)) return fail("forbidden");
  if (!users.every((user) => user.isWellFormed())) return fail({ name: "malformedText" });
  const news = [...new Set(users)].filter((user) => !company.roles.has(user));
  return company.roles.size + news.length > MAX_MEMBERS ? fail({ name: "tooManyMembers" }) : ok(news);
}

/** Whether somebody may put a member out; themselves is leaving. */
export function judgeRemoval(company: Company, by: string, user: string): Denial | undefined {
  if (by === user) return judgeLeaving(company, user);
  if (!mayModerate(company, by)) return "forbidden";
  const role = company.roles.get(user);
  if (role === undefined) return { name: "notAMember" };
  return role === "member" || company.roles.get(by) === "owner" ? undefined : "forbidden";
}

/** A group that has others in it is not left without an owner. */
export function judgeLeaving(company: Company, user: string): Denial | undefined {
  if (company.kind !== "group") return "forbidden";
  return company.roles.size > 1 && isLastOwner(company, user) ? { name: "lastOwner" } : undefined;
}

/** Roles are given by owners. */
export function judgeRole(company: Company, by: string, user: string, role: MemberRole): Denial | undefined {
  if (company.kind !== "group" || company.roles.get(by) !== "owner") return "forbidden";
  if (!company.roles.has(user)) return { name: "notAMember" };
  return role !== "owner" && isLastOwner(company, user) ? { name: "lastOwner" } : undefined;
}

/** One's own message, or in a group, for who runs it, anybody's. */
export const mayDelete = (company: Company, by: string, author: string): boolean =>
  by === author || mayModerate(company, by);

const isLastOwner = ({ roles }: Company, user: string): boolean =>
  roles.get(user) === "owner" && [...roles.values()].filter((role) => role === "owner").length === 1;
