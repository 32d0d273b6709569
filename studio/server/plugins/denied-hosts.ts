import type { Service } from '@runtime-hub/kernel';
import { isHostDenied, type TrustPolicy } from '@runtime-hub/plugin-sdk/artifact';
import {
  HubError,
  capabilityText,
  needsOf,
  type Need,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';

/** A service as it is, but for hosts that the policy allows nobody, whatever was granted; also where a redirect leads. */
export function withoutDeniedHosts(service: Service, policy: () => TrustPolicy): Service {
  const { capability } = service;
  if (capability !== 'net.http') return service;
  const check = (plugin: PluginId, need: Need): void => {
    if (need.capability !== capability || !isHostDenied(policy(), need.target)) return;
    const entry = 'permissions.denyHosts';
    throw new HubError('POLICY_HOST_DENIED', { plugin, need: capabilityText(need), entry });
  };
  return {
    capability,
    async call(operation, args, use) {
      const { plugin } = use.caller;
      for (const need of needsOf(capability, args)) check(plugin, need);
      const permit = (need: Need): void => {
        check(plugin, need);
        use.permit(need);
      };
      const { caller, signal } = use;
      return await service.call(operation, args, { caller, signal, permit });
    },
  };
}
