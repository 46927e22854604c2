import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { ApiProblem } from './api.ts';
import { router } from './app.tsx';
import { createAlarmSound } from './live/alarm-sound.ts';
import { synchroniseFlashes } from './live/flash-timer.ts';
import { createLiveStore } from './live/live-store.ts';
import { createServerClock } from './live/server-clock.ts';
import { createSparklines } from './live/sparkline-data.ts';
import { ServicesProvider } from './services.ts';
import { theme } from './theme.ts';
import { guardMarkup } from './trusted-types.ts';
import '@mantine/core/styles.css';
import 'uplot/dist/uPlot.min.css';
import './page.css';
import './controls.css';
import './wall/tile.css';
import './wall/wall.css';
import './me/me.css';
import './session/session.css';
import './access/access.css';
import './security/security.css';
import './consent/consent.css';
import './account/account.css';
import './audit/audit.css';
import './pages/devices.css';
import './patient/patient.css';
import './rota/rota.css';
import './rules/rules.css';
import './worklist/worklist.css';

guardMarkup(window as Parameters<typeof guardMarkup>[0]);

const store = createLiveStore(
  createServerClock({ monotonic: () => performance.timeOrigin + performance.now(), wall: Date.now }),
);
const sparks = createSparklines();
const sound = createAlarmSound({ createContext: () => new AudioContext(), now: () => performance.now() });
synchroniseFlashes(document);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refused it will refuse again; only silence is worth another try.
      retry: (failures, error) =>
        failures < 2 && (!(error instanceof ApiProblem) || error.problem.status === 0 || error.problem.status >= 500),
      refetchOnWindowFocus: false,
    },
  },
});

const element = document.getElementById('root');
if (element === null) throw new Error('page without #root');
createRoot(element).render(
  <MantineProvider theme={theme} forceColorScheme="dark" getStyleNonce={styleNonce}>
    <QueryClientProvider client={queries}>
      <ServicesProvider value={{ store, sparks, sound }}>
        <RouterProvider router={router} />
      </ServicesProvider>
    </QueryClientProvider>
  </MantineProvider>,
);

/** The nonce the server gave this very page. */
function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
}
