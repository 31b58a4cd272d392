/** The icons of the controls, as paths on a 24-unit square, filled. */
export const ICONS = {
  play: "M7 4.5v15a1 1 0 0 0 1.53.85l12-7.5a1 1 0 0 0 0-1.7l-12-7.5A1 1 0 0 0 7 4.5Z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  replay: "M12 5V1.5L6.5 6.5 12 11.5V8a5.5 5.5 0 1 1-5.5 5.5h-3A8.5 8.5 0 1 0 12 5Z",
  loud: "M3 9v6h4l6 5V4L7 9H3Zm12.5-2.9v2.2a4 4 0 0 1 0 7.4v2.2a6.1 6.1 0 0 0 0-11.8Zm0-3.6v2.1a8 8 0 0 1 0 14.8v2.1a10 10 0 0 0 0-19Z",
  soft: "M3 9v6h4l6 5V4L7 9H3Zm12.5-2.9v2.2a4 4 0 0 1 0 7.4v2.2a6.1 6.1 0 0 0 0-11.8Z",
  mute: "M3 9v6h4l6 5V4L7 9H3Zm18.7 1.2-1.4-1.4-2.3 2.3-2.3-2.3-1.4 1.4 2.3 2.3-2.3 2.3 1.4 1.4 2.3-2.3 2.3 2.3 1.4-1.4-2.3-2.3z",
  fullscreen: "M4 4h6v2.2H6.2V10H4zM14 4h6v6h-2.2V6.2H14zM4 14h2.2v3.8H10V20H4zM17.8 14H20v6h-6v-2.2h3.8z",
  window: "M7.8 4H10v6H4V7.8h3.8zM14 4h2.2v3.8H20V10h-6zM4 14h6v6H7.8v-3.8H4zM14 14h6v2.2h-3.8V20H14z",
  people:
    "M9 4.5a3.75 3.75 0 1 1 0 7.5 3.75 3.75 0 0 1 0-7.5ZM2 19.5c0-3.6 3-6 7-6s7 2.4 7 6zM16 5a3.25 3.25 0 0 1 0 6.5 5 5 0 0 0 0-6.5Zm1.2 8.7c2.9.5 4.8 2.7 4.8 5.8h-4c0-2.3-.9-4.3-2.4-5.6.5-.2 1-.2 1.6-.2Z",
  pip: "M3 5h18v6h-2.2V7.2H5.2v9.6H10V19H3zM12 13h9v6h-9z",
} as const;

export type IconName = keyof typeof ICONS;
