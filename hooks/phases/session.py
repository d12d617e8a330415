"""What all phases of one process share: its client, the configuration, and the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..clients.process import ClientProcess
from ..config.load import configuration_file, load_settings
from ..config.settings import Settings
from ..state.challenge_batch import ChallengeBatch
from ..state.folder import state_dir
from ..state.journal import Journal

if TYPE_CHECKING:  # with it comes dnspython, which the phases of certificates can do without
    from ..challenge.placement import Placements
    from ..deploy.phases import DeployPhases


class Session:
    """What all phases of one process share: its client, the configuration, and the state."""

    def __init__(
        self, client: ClientProcess | None, environ: Mapping[str, str], settings: Settings | None = None
    ) -> None:
        self.client = client
        self.environ = environ
        self.state = state_dir(environ)
        self.journal = Journal(self.state)
        self.batch = ChallengeBatch(self.state)
        self._settings = settings

    @cached_property
    def deploying(self) -> DeployPhases:
        """The deploy wing; loaded by the phases that deliver."""
        from ..deploy.phases import DeployPhases

        return DeployPhases(self.client, self.environ, self.state)

    @property
    def delivered(self) -> Sequence[Mapping[str, str]]:
        """A row for each delivery of this process."""
        return self.deploying.outcomes() if "deploying" in self.__dict__ else ()

    @cached_property
    def settings(self) -> Settings:
        """What is configured; a certificate that could not be delivered is not ordered either.

        Raises ConfigError.
        """
        if self._settings:
            return self._settings
        settings = load_settings(self.environ)
        if file := configuration_file(self.environ):
            from ..deploy.section import deployments_in

            deployments_in(file)
        return settings

    @cached_property
    def placements(self) -> Placements:
        """The account, zone and servers of each name; loaded by the phases that publish. Raises
        ConfigError."""
        from ..challenge.placement import Placements

        return Placements(self.settings)
