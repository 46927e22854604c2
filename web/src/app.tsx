import {
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  Outlet,
  redirect,
  useLocation,
  useNavigate,
} from '@tanstack/react-router';
import { useEffect, useSyncExternalStore } from 'react';
import { EmergencyBanner } from './access/emergency-banner.tsx';
import { ReviewsPage } from './access/reviews-page.tsx';
import { WhyPage } from './access/why-page.tsx';
import { MyAccessPage } from './account/my-access-page.tsx';
import { AlarmDialogs } from './alarms/alarm-dialogs.tsx';
import { AlarmPage } from './alarms/alarm-page.tsx';
import { AppsPage } from './apps/apps-page.tsx';
import { AuditPage } from './audit/audit-page.tsx';
import { ChannelsPage } from './channels/channels-page.tsx';
import { ConsentsPage } from './consent/consents-page.tsx';
import { ExecutionPage } from './executions/execution-page.tsx';
import { ExecutionsPage } from './executions/executions-page.tsx';
import { HealthPage } from './health/health-page.tsx';
import { KeysPage } from './keys/keys-page.tsx';
import { startLiveFeed } from './live/live-feed.ts';
import { MePage } from './me/me-page.tsx';
import { DevicesPage } from './pages/devices-page.tsx';
import { PatientsPage } from './pages/patients-page.tsx';
import { mayOpen, PAGES, pageAt } from './pages.ts';
import { PatientPage } from './patient/patient-page.tsx';
import { RotaPage } from './rota/rota-page.tsx';
import { ApprovalsPage } from './rules/approvals-page.tsx';
import { RulesPage } from './rules/rules-page.tsx';
import { SecurityPage } from './security/security-page.tsx';
import { onSecond, useServices } from './services.ts';
import { AppConsentPage } from './session/app-consent-page.tsx';
import { InvitationPage } from './session/invitation-page.tsx';
import { MySignInPage } from './session/my-sign-in-page.tsx';
import { NotForYou } from './session/not-for-you.tsx';
import { isSignedOut, SessionGate, useSession } from './session/session.tsx';
import { SetupPage } from './session/setup-page.tsx';
import { useSettings } from './settings.ts';
import { TeamsPage } from './teams/teams-page.tsx';
import { UsersPage } from './users/users-page.tsx';
import { WallPage } from './wall/wall-page.tsx';
import { Announcer } from './widgets/announcer.tsx';
import { FeedBanner } from './widgets/feed-banner.tsx';
import { HelpDialog, openHelp } from './widgets/help-dialog.tsx';
import { useShortcuts } from './widgets/shortcuts.ts';
import { SystemBanner } from './widgets/system-banner.tsx';
import { currentToasts, dismissToast, onToasts } from './widgets/toast.ts';
import { TopBar } from './widgets/top-bar.tsx';
import { WorklistPage } from './worklist/worklist-page.tsx';

const root = createRootRoute({ component: Outlet });
const setup = createRoute({ getParentRoute: () => root, path: '/setup', component: SetupPage });
const invitation = createRoute({ getParentRoute: () => root, path: '/invitation', component: InvitationPage });
const authorize = createRoute({ getParentRoute: () => root, path: '/authorize/$uid', component: Authorize });
const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Inside });
const page = { getParentRoute: () => inside } as const;
const tree = root.addChildren([
  setup,
  invitation,
  authorize,
  inside.addChildren([
    createRoute({
      ...page,
      path: '/',
      beforeLoad: () => {
        throw redirect({ to: '/wall' });
      },
    }),
    createRoute({ ...page, path: '/wall', component: WallPage }),
    createRoute({ ...page, path: '/alarms', component: WorklistPage }),
    createRoute({ ...page, path: '/alarms/$alarmId', component: AlarmPage }),
    createRoute({ ...page, path: '/patients', component: PatientsPage }),
    createRoute({ ...page, path: '/patients/$patientId', component: PatientPage }),
    createRoute({ ...page, path: '/rota', component: RotaPage }),
    createRoute({ ...page, path: '/teams', component: TeamsPage }),
    createRoute({ ...page, path: '/channels', component: ChannelsPage }),
    createRoute({ ...page, path: '/me', component: MePage }),
    createRoute({ ...page, path: '/status', component: HealthPage }),
    createRoute({ ...page, path: '/my-sign-in', component: MySignInPage }),
    createRoute({ ...page, path: '/users', component: UsersPage }),
    createRoute({ ...page, path: '/why', component: WhyPage }),
    createRoute({ ...page, path: '/emergencies', component: ReviewsPage }),
    createRoute({ ...page, path: '/consents', component: ConsentsPage }),
    createRoute({ ...page, path: '/apps', component: AppsPage }),
    createRoute({ ...page, path: '/my-access', component: MyAccessPage }),
    createRoute({ ...page, path: '/audit', component: AuditPage }),
    createRoute({ ...page, path: '/keys', component: KeysPage }),
    createRoute({ ...page, path: '/security', component: SecurityPage }),
    createRoute({ ...page, path: '/rules', component: RulesPage }),
    createRoute({ ...page, path: '/executions', component: ExecutionsPage }),
    createRoute({ ...page, path: '/executions/$executionId', component: ExecutionPage }),
    createRoute({ ...page, path: '/devices', component: DevicesPage }),
    createRoute({ ...page, path: '/approvals', component: ApprovalsPage }),
    // Within the shell: whoever mistyped an address still sees what calls, and gets away by the bar.
    createRoute({ ...page, path: '$', component: NotFound }),
  ]),
]);

export const router = createRouter({ routeTree: tree });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

/** What an app asks: of whoever is signed in, and without the bar of the ward around it. */
function Authorize() {
  return (
    <SessionGate>
      <AppConsentPage />
    </SessionGate>
  );
}

function Inside() {
  return (
    <SessionGate>
      <Shell />
    </SessionGate>
  );
}

function Shell() {
  const { sound } = useServices();
  const { may } = useSession();
  const { night } = useSettings();
  const navigate = useNavigate();
  useLiveFeed();
  const goTo = PAGES.filter((each) => mayOpen(each, may)).map(
    ({ key, to }) => [`g ${key}`, () => void navigate({ to })] as const,
  );
  useShortcuts({
    ...Object.fromEntries(goTo),
    '/': () => (may('patient.read') ? search() : false),
    '?': openHelp,
    s: sound.togglePause,
  });
  /** On the page that searches: into its field; from any other: there, where the field takes the focus. */
  const search = () => {
    const field = document.querySelector<HTMLInputElement>('input[type="search"]');
    if (field === null) void navigate({ to: '/patients' });
    else field.focus();
  };
  useEffect(() => {
    document.documentElement.toggleAttribute('data-night', night);
  }, [night]);
  return (
    <div className="shell">
      <TopBar />
      {may('wall.watch') && <FeedBanner />}
      <SystemBanner />
      {may('break-glass.use') && <EmergencyBanner />}
      <Page />
      <Toasts />
      <Announcer />
      <HelpDialog />
      <AlarmDialogs />
    </div>
  );
}

/** What is at this address, for whoever may see it. */
function Page() {
  const { may } = useSession();
  const { pathname } = useLocation();
  const at = pageAt(pathname);
  if (at?.page.door === undefined || mayOpen(at.page, may)) return <Outlet />;
  return <NotForYou key={pathname} title={at.page.label} asks={at.page.door + at.rest} />;
}

/** One stream for the whole app, whatever page is open: alarms call everywhere. */
function useLiveFeed(): void {
  const { store, sparks, sound } = useServices();
  const { may, lose, count } = useSession();
  const { ward } = useSettings();
  const watches = may('wall.watch');
  // A new session (`count`) opens a new stream.
  // biome-ignore lint/correctness/useExhaustiveDependencies: lose and may change with the session
  useEffect(() => {
    if (!watches) return;
    const options = { ward, onSignedOut: lose, isSignedOut, random: Math.random };
    const stopFeed = startLiveFeed(store, options);
    const update = () => {
      const feed = store.feed().kind;
      sound.update(store.alarms(), feed === 'down' || feed === 'signed-out');
    };
    const offs = [store.onShape(update), store.onFeed(update), onSecond(update), stopFeed];
    return () => {
      for (const off of offs) off();
    };
  }, [store, sparks, sound, ward, watches, count]);
}

function Toasts() {
  const toasts = useSyncExternalStore(onToasts, currentToasts);
  return (
    <div className="toasts" role="alert">
      {toasts.map((toast) => (
        <div key={toast.id} className="toast">
          {toast.text}
          <button type="button" aria-label="Close" onClick={() => dismissToast(toast.id)}>
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}

function NotFound() {
  const { may } = useSession();
  const open = PAGES.filter((each) => mayOpen(each, may));
  return (
    <main className="page">
      <h1>There is no page at this address</h1>
      <p>These are the pages you may open:</p>
      <ul>
        {open.map(({ to, label }) => (
          <li key={to}>
            <Link to={to}>{label}</Link>
          </li>
        ))}
      </ul>
    </main>
  );
}
