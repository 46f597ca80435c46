import {
  Anchor,
  type AnchorProps,
  Button,
  type ButtonProps,
  Menu,
  type MenuItemProps,
  NavLink,
  type NavLinkProps,
} from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { type ComponentPropsWithRef, forwardRef } from 'react'

// The library's looks on the router's typed links.

type Rest<Props> = Omit<ComponentPropsWithRef<'a'>, keyof Props | 'color' | 'style' | 'ref'>

/** A link in a text. */
export const TextLink = createLink(
  forwardRef<HTMLAnchorElement, AnchorProps & Rest<AnchorProps>>((props, ref) => (
    <Anchor ref={ref} {...props} />
  )),
)

/** A link that looks like a button. */
export const ButtonLink = createLink(
  forwardRef<HTMLAnchorElement, ButtonProps & Rest<ButtonProps>>((props, ref) => (
    <Button component="a" ref={ref} {...props} />
  )),
)

/** A link in a menu. */
export const MenuLink = createLink(
  forwardRef<HTMLAnchorElement, MenuItemProps & Rest<MenuItemProps>>((props, ref) => (
    <Menu.Item component="a" ref={ref} {...props} />
  )),
)

/** A link in the navigation. */
export const NavigationLink = createLink(
  forwardRef<HTMLAnchorElement, NavLinkProps & Rest<NavLinkProps>>((props, ref) => (
    <NavLink component="a" ref={ref} {...props} />
  )),
)
