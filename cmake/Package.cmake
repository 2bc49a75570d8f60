# What is installed, and the Debian package. Installing starts nothing: a unit is enabled by a person.
install(FILES config/systemd/cmibridge-consume.service config/systemd/cmibridge-serve.service
        config/systemd/cmibridge-schedule.service DESTINATION lib/systemd/system)
install(FILES README.md CHANGELOG.md docs/ARCHITECTURE.md docs/CMI.md docs/CONFIGURATION.md
        docs/DELIVERY.md docs/OPERATIONS.md config/cmibridge.sample.yaml
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/decisions DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES docs/man/cmibridge.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "cmibridge maintainers <maintainers@cmibridge.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Contact events in Kafka become writes to a contact centre")
set(CPACK_PACKAGE_DESCRIPTION "cmibridge turns contact events in Kafka topics into writes of the
 Contact Management Interface (CMI v1), serves that interface itself, and sends its messages and makes
 its callbacks when they are due.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "redis-server, tzdata")
include(CPack)
