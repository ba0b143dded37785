"""The one AWS provider: what the stack's `aws:` settings say, and the tags of every resource."""

import pulumi
import pulumi_aws as aws

from config.model import PipelineConfig


def default_tags(settings: PipelineConfig) -> dict[str, str]:
    """Tag every resource with what it belongs to."""
    own = {
        "Project": "data-pipeline",
        "Environment": settings.environment,
        "Stack": settings.stack,
        "ManagedBy": "pulumi",
    }
    return {**settings.tags, **own}


def aws_provider(
    settings: PipelineConfig, name: str = "aws", opts: pulumi.ResourceOptions | None = None
) -> aws.Provider:
    """Make the provider.

    An explicit provider takes nothing from the stack's `aws:` settings by itself, so what is set there
    (above all the emulator's endpoints) is handed on.
    """
    stack = pulumi.Config("aws")
    account = settings.security.account_id
    return aws.Provider(
        name,
        region=stack.require("region"),
        access_key=stack.get_secret("accessKey"),
        secret_key=stack.get_secret("secretKey"),
        token=stack.get_secret("token"),
        profile=stack.get("profile"),
        skip_credentials_validation=stack.get_bool("skipCredentialsValidation"),
        skip_metadata_api_check=stack.get_bool("skipMetadataApiCheck"),
        skip_region_validation=stack.get_bool("skipRegionValidation"),
        skip_requesting_account_id=stack.get_bool("skipRequestingAccountId"),
        s3_use_path_style=stack.get_bool("s3UsePathStyle"),
        endpoints=stack.get_object("endpoints"),
        allowed_account_ids=None if account is None else [account],
        default_tags={"tags": default_tags(settings)},
        opts=opts,
    )
