import { emergencyAccessesContract } from '../../ports/emergency-accesses.contract.ts';
import { memoryEmergencyAccesses } from './memory-emergency-accesses.ts';

emergencyAccessesContract('memory', async () => memoryEmergencyAccesses());
