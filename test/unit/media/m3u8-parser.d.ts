/** The little of m3u8-parser that tests touch; the package has no types of its own. */
declare module "m3u8-parser" {
  interface ParsedSegment {
    readonly uri?: string;
    readonly parts?: readonly unknown[];
    readonly preloadHints?: readonly unknown[];
  }
  interface Manifest {
    readonly targetDuration: number;
    readonly partTargetDuration?: number;
    readonly iFramesOnly?: boolean;
    readonly endList?: boolean;
    readonly discontinuityStarts: readonly number[];
    readonly skip?: { readonly skippedSegments: number };
    readonly segments: readonly ParsedSegment[];
    readonly preloadSegment?: ParsedSegment;
    readonly playlists: readonly { readonly uri: string }[];
    readonly iFramePlaylists: readonly unknown[];
    readonly mediaGroups: { readonly AUDIO: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  }
  export class Parser {
    readonly manifest: Manifest;
    on(event: "info" | "warn" | "error", listener: (problem: { readonly message: string }) => void): void;
    push(text: string): void;
    end(): void;
  }
}
