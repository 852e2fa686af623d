"""The workers of a sidecar's pool, each of which admits one call to the process."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from zenowasm.plugin.configuration.manifest import Manifest
from zenowasm.plugin.errors import OutputLimitError, UnsupportedLimitError, UnusableInstanceError
from zenowasm.plugin.guest.abi import Metadata, Response, SlotDefinition, response_of
from zenowasm.plugin.services import HostServices
from zenowasm.plugin.sidecar.code import load_sidecar
from zenowasm.plugin.sidecar.keeper import SidecarKeeper
from zenowasm.plugin.worker import SlotRequest, Worker


class SidecarWorker:
    """A worker that admits one call to a plugin's process, which ends with its last worker."""

    fuel_consumed = None

    def __init__(self, keeper: SidecarKeeper) -> None:
        """Join the process. Raises ``LoadError`` if it cannot be started or does not declare its metadata and slots."""
        self.keeper = keeper
        declaration = keeper.join()
        self.metadata: Metadata = declaration.metadata
        self.slots: tuple[SlotDefinition, ...] = declaration.slots
        self._number = keeper.code.plugin.services.instrumentation.instance_made(keeper.code.plugin.name)
        self._left = False

    @property
    def usable(self) -> bool:
        """Whether the worker can take another call: a crashed process is restarted, unless it has crashed too often."""
        return not self._left and not self.keeper.given_up

    def execute(self, request: SlotRequest) -> Response:
        """Send a call to the process, starting it if necessary, and return its response.

        Raises ``UnsupportedLimitError`` for a fuel limit, ``RequestError``, ``CallError`` and its subclasses,
        ``ReplyError``, ``SidecarStartError``, ``SidecarGaveUpError``, and ``ValueError`` if the budget is not greater
        than 0.
        """
        keeper, slot = self.keeper, request.slot
        if self._left:
            raise UnusableInstanceError(f"this instance of plugin {keeper.code.plugin.name} cannot be used any more")
        if request.budget is not None and request.budget.fuel is not None:
            raise UnsupportedLimitError(
                f"plugin {keeper.code.plugin.name} is a process, which counts no fuel: give the call a timeout instead"
            )
        request.trace.instance = self._number
        with keeper.call(request, request.trace) as context:
            with keeper.session(context.call.deadline, slot, context.limits) as session:
                answer = session.ask(slot, request.parameters, context)
            limits = keeper.code.plugin.limits
            if answer.size > limits.reply_bytes:
                remedy = limits.remedy("reply_bytes", keeper.code.plugin.name)
                raise OutputLimitError(
                    f"failed to read response of {slot}: {answer.size} bytes are more than the limit of "
                    f"{limits.reply_bytes} bytes; {remedy}"
                )
            response = response_of(answer.value)
            context.call.succeeded = response.success
        return (
            response
            if response.error is None
            else evolve(response, error=keeper.code.plugin.redactor.text(response.error))
        )

    def cleanup(self) -> None:
        """Leave the process. After the last worker has left, the process is asked to end, and killed if it does not."""
        if not self._left:
            self._left = True
            self.keeper.leave()


def sidecars(manifest: Manifest, services: HostServices, version: str = "") -> Callable[[], Worker]:
    """Return the maker of a sidecar's workers; raises ``LoadError`` and ``ConfigError``."""
    keeper = SidecarKeeper(load_sidecar(manifest, services, version))
    return lambda: SidecarWorker(keeper)
