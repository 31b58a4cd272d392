/** What the dialogs of the page have in common: opening, closing, and a question before what is not taken back. */
import { byId, setText } from "../dom.ts";

/** Let every dialog close by its buttons and by a click beside it. */
export function bindDialogs(): void {
  for (const dialog of document.querySelectorAll("dialog")) {
    for (const button of dialog.querySelectorAll("[data-close]"))
      button.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      // Only the ground behind it is the dialog itself.
      if (event.target === dialog) dialog.close();
    });
  }
}

export interface Question {
  readonly question: string;
  readonly detail: string;
  readonly action: string;
}

/** Ask; whether the answer was yes. */
export function confirmed({ question, detail, action }: Question): Promise<boolean> {
  const dialog = byId("ask", HTMLDialogElement);
  const [yes, no] = [byId("ask-yes", HTMLButtonElement), byId("ask-no", HTMLButtonElement)];
  setText(byId("ask-question", HTMLElement), question);
  setText(byId("ask-detail", HTMLElement), detail);
  setText(yes, action);
  return new Promise((resolve) => {
    let isYes = false;
    yes.onclick = () => {
      isYes = true;
      dialog.close();
    };
    no.onclick = () => dialog.close();
    dialog.addEventListener("close", () => resolve(isYes), { once: true });
    dialog.showModal();
    no.focus();
  });
}

/** Ids of users as people type them: with commas or spaces between. */
export const usersOf = (text: string): readonly string[] => [
  ...new Set(text.split(/[,;\s]+/).filter((user) => user !== "")),
];
