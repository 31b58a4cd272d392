/** Tokens of the socket as an operator's app signs them, with a library of its own (docs/wire.md, "The socket"). */
import { SignJWT } from "jose";
import type { SocketClaims } from "../../wire/socket-token.ts";
import { TOKEN_SECRET } from "../edge/harness.ts";

/** Sign one with the secret of the Workers that are measured. */
export const tokenOf = (claims: SocketClaims): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(TOKEN_SECRET));
