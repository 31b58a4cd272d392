/** Tokens of the socket, as an operator's app signs them: a JWT library and the secret. */
import { SignJWT } from "jose";
import { TOKEN_SECRET } from "../edge/harness.ts";

const key = new TextEncoder().encode(TOKEN_SECRET);

/** A token that makes its bearer this user. */
export const tokenOf = (user: string, role: "member" | "moderator" = "member"): Promise<string> =>
  new SignJWT({ sub: user, name: user, role }).setProtectedHeader({ alg: "HS256" }).sign(key);
