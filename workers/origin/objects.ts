/** Putting media objects into R2: whole or not at all, and never twice with different bytes. */
import { fail, ok, type Result } from "../../media/result.ts";
import { type Problem, problem } from "../../wire/problem.ts";

/** Store a body under a key that nothing has yet. Repeating a put is harmless; changing an object is refused. */
export async function putOnce(
  bucket: R2Bucket,
  key: string,
  request: Request,
  length: number,
  type: string,
): Promise<Result<"created" | "exists", Problem>> {
  const bytes = await readWhole(request, length);
  if (!bytes) {
    return fail(
      problem(400, "wrong-length", "The body did not have the length it declared.", { declared: length }),
    );
  }
  if (length === 0) return fail(problem(400, "empty", "A media object has at least one byte."));
  const md5 = new Uint8Array(await crypto.subtle.digest("MD5", bytes)).toHex();
  // R2 refuses bytes that changed on their way, and an ETag that is their MD5 is what a check compares later.
  const stored = await bucket.put(key, bytes, {
    httpMetadata: { contentType: type },
    onlyIf: { etagDoesNotMatch: "*" },
    md5,
  });
  if (stored) return ok("created");
  const existing = await bucket.head(key);
  if (existing && existing.size === length && existing.etag === md5) return ok("exists");
  return fail(problem(409, "object-exists", "There is another object with this name."));
}

/** The body, or `undefined` when it was cut short. Objects are a few hundred kilobytes, so memory is the simplest place to check them. */
async function readWhole(request: Request, length: number): Promise<ArrayBuffer | undefined> {
  try {
    const bytes = await request.arrayBuffer();
    return bytes.byteLength === length ? bytes : undefined;
  } catch {
    return undefined;
  }
}
