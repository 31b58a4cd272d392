/** `millrace push-keys`: a pair of keys by which push services know this server (RFC 8292). Asks nobody; keeps nothing. */
import { type Command, InvalidArgumentError } from "commander";
import { type Surroundings, show } from "../context.ts";
import { mintPushKeys } from "../push-keys.ts";

const EXAMPLES = `
Set all three on the Worker that has the objects (docs/operations.md). Who has subscribed with one pair is not reached with another.

Examples:
  npm run millrace -- push-keys --subject mailto:ops@example.com
  npm run --silent millrace -- push-keys --subject https://example.com >> .dev.vars`;

/** Add the command to the program. */
export function addPushKeys(program: Command, around: Surroundings): void {
  program
    .command("push-keys")
    .description("make a pair of keys for notifications")
    .requiredOption(
      "--subject <url>",
      "whom push services may write to: mailto:ops@example.com, or https:",
      subjectArgument,
    )
    .addHelpText("after", EXAMPLES)
    .action(({ subject }: { readonly subject: string }, command: Command) => {
      const { publicKey, privateKey } = mintPushKeys();
      const lines = [
        `VAPID_PUBLIC_KEY=${publicKey}`,
        `VAPID_PRIVATE_KEY=${privateKey}`,
        `VAPID_SUBJECT=${subject}`,
      ];
      show(command, around, { publicKey, privateKey, subject }, () => lines.join("\n"));
    });
}

function subjectArgument(text: string): string {
  if (/^mailto:[^\s@]+@[^\s@]+$/.test(text) || /^https:\/\/[^\s/]+\S*$/.test(text)) return text;
  throw new InvalidArgumentError("Give an address, as mailto:ops@example.com or https://example.com.");
}
