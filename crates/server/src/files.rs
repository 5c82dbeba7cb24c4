//! What attachments and avatars need beside the store: the object store, the makers of pictures, and two keys.

use agentchat_objects::{AddressKey, Objects, Pictures};

use crate::config::Config;

/// Bytes, and the keys that name and open them.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) objects: Objects,
    pub(crate) pictures: Pictures,
    /// Signs the addresses under which bytes are sent and fetched.
    pub(crate) addresses: AddressKey,
    /// Hides whose avatar a name stands for.
    pub(crate) avatar_names: [u8; 32],
}

impl Files {
    /// Name of the installation's secret behind the names of avatars.
    pub(crate) const AVATAR_NAMES: &'static str = "avatar_names";

    /// Opens the object store of a configuration.
    pub(crate) fn open(
        config: &Config,
        addresses: [u8; 32],
        avatar_names: [u8; 32],
    ) -> Result<Self, agentchat_objects::ObjectError> {
        let objects = Objects::open(&config.objects)?;
        Ok(Self { objects, pictures: Pictures::default(), addresses: AddressKey::new(addresses), avatar_names })
    }
}
