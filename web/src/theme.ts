import { createTheme, type MantineColorsTuple } from '@mantine/core';

/**
 * The ward at night: the library's own greys and blues give way to the wall's. Red, yellow and cyan belong to alarms
 * alone, so no control ever wears them; what is destroyed or wrong is said in words and outlined in salmon.
 */
const INK: MantineColorsTuple = [
  '#f2f5f7',
  '#d5dde3',
  '#a9b6c2',
  '#8d9aa6',
  '#46535f',
  '#2c3843',
  '#1a232c',
  '#121920',
  '#0d1319',
  '#0a0e12',
];
const STEEL: MantineColorsTuple = [
  '#e8f3ff',
  '#cfe4fb',
  '#b7dcff',
  '#8cc8ff',
  '#62aef2',
  '#3f93dd',
  '#2f7cc0',
  '#2a6ca9',
  '#2b5f93',
  '#1f4a74',
];

const FONT = "'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

export const theme = createTheme({
  fontFamily: FONT,
  headings: { fontFamily: FONT },
  colors: { dark: INK, steel: STEEL },
  primaryColor: 'steel',
  primaryShade: 8,
  defaultRadius: 6,
  // Fingers in gloves: nothing that is pressed is lower than 34 px.
  fontSizes: { xs: '13px', sm: '15px', md: '16px', lg: '18px', xl: '20px' },
  respectReducedMotion: true,
  focusRing: 'auto',
  cursorType: 'pointer',
  components: {
    Menu: {
      defaultProps: {
        withinPortal: true,
        // Within the banner, over everything: what is on the page lies in one of its landmarks.
        portalProps: { target: '.bar' },
        keepMounted: false,
        // The first entry takes the focus, as WAI-ARIA’s menu button has it, and not something that nobody sees.
        withInitialFocusPlaceholder: false,
      },
    },
  },
});
