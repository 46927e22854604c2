import { pushSubscriptionsContract } from '../../ports/push-subscriptions.contract.ts';
import { memoryPushSubscriptions } from './memory-push-subscriptions.ts';

pushSubscriptionsContract('memory', async () => memoryPushSubscriptions());
