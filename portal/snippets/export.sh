export Quix__Sdk__Token='{{token}}'
export Quix__Portal__Api='{{portalApi}}'
export Quix__Workspace__Id='{{workspaceId}}'
