/** How large a request may be: its URL, its headers together, and what a guest sends; a photo as large as its ticket says (photo-upload.ts). Pure. */
import { type Problem, problem } from "../../../wire/problem.ts";

/** Letters of the longest URL. */
export const MAX_URL_LETTERS = 4096;
/** Letters of all headers' names and values together. */
export const MAX_HEADER_LETTERS = 16 * 1024;
/** Bytes of a guest's request: a name of 64 letters, each written as two escapes, is not as long. */
export const MAX_GUEST_BYTES = 1024;

/** What is wrong with the size of a request, if anything. */
export function sizeProblem(
  urlLetters: number,
  headers: Iterable<readonly [string, string]>,
): Problem | undefined {
  if (urlLetters > MAX_URL_LETTERS)
    return problem(414, "uri-too-long", "The address is too long.", { limit: MAX_URL_LETTERS });
  let letters = 0;
  for (const [name, value] of headers) letters += name.length + value.length;
  if (letters <= MAX_HEADER_LETTERS) return undefined;
  return problem(431, "headers-too-large", "The headers are too large.", { limit: MAX_HEADER_LETTERS });
}
