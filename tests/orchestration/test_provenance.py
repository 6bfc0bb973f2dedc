"""A run's first event says what its numbers were computed with."""

from callwright.orchestration.provenance import PACKAGES, describe_versions


def test_versions_name_every_package_that_could_change_a_number():
    packages = describe_versions().packages
    assert set(PACKAGES) == packages.keys()
    assert all(packages.values())
