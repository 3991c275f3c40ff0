/// <reference types="svelte" />
/// <reference types="vite/client" />

/** Address of the font subsets, see build/static-files.ts. */
declare const __FONTS__: string
/** Address of the icons, see build/static-files.ts. */
declare const __ICONS__: string
