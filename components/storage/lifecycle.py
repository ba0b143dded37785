"""What becomes of objects with time: plain data, one function per zone."""

from dataclasses import dataclass

from pipeline_core.layout import STAGING

from config.model import StorageConfig

STAGING_EXPIRES_AFTER_DAYS = 7
# Parts of an upload that never ended are billed and seen by nobody.
UNFINISHED_UPLOADS_EXPIRE_AFTER_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class LifecycleRule:
    """One rule, for the objects under a prefix (empty: all). Days count from an object's creation."""

    id: str
    prefix: str = ""
    expires_after_days: int | None = None
    noncurrent_expire_after_days: int | None = None
    unfinished_uploads_expire_after_days: int | None = None
    # A delete marker goes when no version is left behind it.
    expire_delete_markers: bool = False
    transitions: tuple[tuple[int, str], ...] = ()


def housekeeping(noncurrent_expire_after_days: int) -> LifecycleRule:
    """Take away what nobody sees, and is billed all the same."""
    return LifecycleRule(
        id="housekeeping",
        noncurrent_expire_after_days=noncurrent_expire_after_days,
        unfinished_uploads_expire_after_days=UNFINISHED_UPLOADS_EXPIRE_AFTER_DAYS,
        expire_delete_markers=True,
    )


def _housekeeping(config: StorageConfig) -> LifecycleRule:
    return housekeeping(config.noncurrent_versions_expire_after_days)


def expire(rule_id: str, prefix: str, days: int | None) -> tuple[LifecycleRule, ...]:
    """Delete what is that old, if anything ever is."""
    return () if days is None else (LifecycleRule(id=rule_id, prefix=prefix, expires_after_days=days),)


def raw(config: StorageConfig) -> tuple[LifecycleRule, ...]:
    """Move raw files to colder storage, and expire them, as configured."""
    steps = (
        (config.raw_to_infrequent_access_after_days, "STANDARD_IA"),
        (config.raw_to_glacier_after_days, "GLACIER_IR"),
    )
    transitions = tuple((days, name) for days, name in steps if days is not None)
    age = LifecycleRule(id="age", expires_after_days=config.raw_expires_after_days, transitions=transitions)
    ages = bool(transitions) or config.raw_expires_after_days is not None
    return (_housekeeping(config), *((age,) if ages else ()))


def curated(config: StorageConfig) -> tuple[LifecycleRule, ...]:
    """Keep tables; what a batch left in staging goes."""
    return (_housekeeping(config), *expire("staging", STAGING, STAGING_EXPIRES_AFTER_DAYS))


def quarantine(config: StorageConfig) -> tuple[LifecycleRule, ...]:
    """Keep what was refused for as long as configured."""
    return (_housekeeping(config), *expire("age", "", config.quarantine_expires_after_days))


def artifacts(config: StorageConfig) -> tuple[LifecycleRule, ...]:
    """Keep contracts, libraries and the papers of the batches."""
    return (_housekeeping(config),)


def query_results(config: StorageConfig) -> tuple[LifecycleRule, ...]:
    """Expire results: the query can be asked again."""
    return (_housekeeping(config), *expire("results", "results/", config.query_results_expire_after_days))
